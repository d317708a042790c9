// SPDX-License-Identifier: GPL-2.0-or-later
/* sriov_admin of the xe driver, as ABI/testing/sysfs-driver-intel-xe-sriov tells it. */
#include "kernel.h"

enum { ALIGNMENT = 2 << 20 };

static void put_profile(struct kernel *k, const char *dir, bool is_pf, bool vram)
{
	k_put(k, 0644, "0\n", "%s/profile/exec_quantum_ms", dir);
	k_put(k, 0644, "0\n", "%s/profile/preempt_timeout_us", dir);
	k_put(k, is_pf ? 0644 : 0444, is_pf ? "[low] normal high\n" : "[low] normal\n",
		"%s/profile/sched_priority", dir);
	if (!is_pf)
		k_put(k, 0200, "", "%s/stop", dir);
	if (!is_pf && vram)
		k_put(k, 0644, "0\n", "%s/profile/vram_quota", dir);
}

void fake_xe(struct host *h, const char *pf_bdf, uint64_t vram_bytes)
{
	static const char *const bulk[] = { "exec_quantum_ms", "preempt_timeout_us",
		"sched_priority", "vram_quota" };
	struct kernel *k = kernel_of(h);
	autofree char *dir = device_dir(k, pf_bdf), *pf_dir = NULL;
	struct pf *pf = pf_find(k, pf_bdf);
	unsigned total;

	NEED(pf && dir);
	device_becomes(k, pf_bdf, "0x030000\n", "56c0\n", "xe");
	pf->is_xe = true;
	pf->vram_bytes = vram_bytes;
	pf_dir = need_printf("/sys/%s/sriov_admin/pf", dir);
	put_profile(k, pf_dir, true, false);
	total = (unsigned)device_number(k, pf_bdf, "sriov_totalvfs", false);
	for (unsigned i = 1; i <= total; i++) {
		autofree char *vf_dir = need_printf("/sys/%s/sriov_admin/vf%u", dir, i);

		put_profile(k, vf_dir, false, vram_bytes);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bulk) - !vram_bytes; i++)
		k_put(k, 0200, "", "/sys/%s/sriov_admin/.bulk_profile/%s", dir, bulk[i]);
}

/* The memory goes with the VFs, the scheduling stays. */
void xe_vfs_gone(struct kernel *k, struct pf *pf)
{
	autofree char *dir = device_dir(k, pf->bdf);

	for (unsigned i = 1; dir && i <= FAKE_MAX_VFS; i++)
		if (k_exists(k, "/sys/%s/sriov_admin/vf%u/profile/vram_quota", dir, i))
			k_put(k, 0644, "0\n", "/sys/%s/sriov_admin/vf%u/profile/vram_quota", dir,
				i);
}

/* The text to show for what was written; NULL: refused. */
static char *shown(const char *file, const char *text, bool high)
{
	uint64_t n;

	if (str_eq(file, "sched_priority")) {
		static const char *const names[] = { "low", "normal", "high" };
		autostrbuf out = { 0 };
		bool found = false;

		for (int i = 0; i < 2 + high; i++) {
			bool it = str_eq(text, names[i]);

			found |= it;
			strbuf_add(&out, it ? "%s[%s]" : "%s%s", i ? " " : "", names[i]);
		}
		return found ? need_printf("%s\n", out.s) : NULL;
	}
	if (parse_u64(text, &n) < 0)
		return NULL;
	if (str_eq(file, "vram_quota"))
		n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	else if (n > UINT32_MAX)
		return NULL;
	return need_printf("%llu\n", (unsigned long long)n);
}

static void put_if_there(struct kernel *k, const char *dir, const char *who, const char *file,
	const char *text, mode_t mode)
{
	if (k_exists(k, "%s/%s/profile/%s", dir, who, file))
		k_put(k, mode, text, "%s/%s/profile/%s", dir, who, file);
}

static void put_all(struct kernel *k, const char *dir, const char *file, const char *text)
{
	autofree char *value = need_printf("%s", text), *of_vf = NULL, *of_pf = NULL;
	mode_t mode = str_eq(file, "sched_priority") ? 0444 : 0644;

	of_vf = shown(file, str_trim(value), false);
	of_pf = shown(file, value, true);
	put_if_there(k, dir, "pf", file, of_pf, 0644);
	for (unsigned i = 1; i <= FAKE_MAX_VFS; i++) {
		autofree char *vf = need_printf("vf%u", i);

		put_if_there(k, dir, vf, file, of_vf, mode);
	}
}

int xe_write(struct kernel *k, const char *path, const char *text)
{
	const char *admin = strstr(path, "/sriov_admin/"), *file = strrchr(path, '/') + 1;
	autofree char *dir = need_printf("%.*s/sriov_admin", (int)(admin - path), path);
	autofree char *value = need_printf("%s", text), *to = NULL;
	bool bulk = strstr(path, "/.bulk_profile/"), is_pf = strstr(path, "/sriov_admin/pf/");
	const char *bdf = strrchr(dir, '/');
	bool on;

	str_trim(value);
	if (str_eq(file, "stop"))
		return parse_bool(value, &on) < 0 ? -EINVAL : 0;
	to = shown(file, value, is_pf);
	if (!to)
		return -EINVAL;
	for (struct pf *pf = k->pfs; pf && str_eq(file, "vram_quota"); pf = pf->next) {
		uint64_t n;

		NEED(bdf > dir && parse_u64(value, &n) == 0);
		if (pf->is_xe && n > pf->vram_bytes)
			return -EIO; /* the firmware has no more */
	}
	if (k->attributes_lie)
		return 0;
	if (bulk)
		put_all(k, dir, file, value);
	else
		k_put(k, 0644, to, "%s", path);
	return 0;
}
