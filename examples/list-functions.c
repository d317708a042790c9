// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What libvfctl is like to use: lists PCI functions with their drivers and IOMMU groups.
 *
 *   cc list-functions.c $(pkg-config --cflags --libs libvfctl) -o list-functions
 *   ./list-functions                  this machine
 *   ./list-functions web1.tar.gz      a captured one
 */
#include <vfctl/vfctl.h>

#include <stdio.h>

static int complain(struct vfctl_error *e)
{
	int status = e ? vfctl_error_exit_code(e) : 1;

	fprintf(stderr, "list-functions: %s\n", e ? vfctl_error_message(e) : "out of memory");
	if (e && vfctl_error_hint(e))
		fprintf(stderr, "  hint: %s\n", vfctl_error_hint(e));
	vfctl_error_free(e);
	return status;
}

static void show(const struct vfctl_snapshot *s, const struct vfctl_function *f)
{
	const char *driver = vfctl_function_driver(f);
	const struct vfctl_group *g;

	printf("%s %s %s", vfctl_function_address(f), vfctl_function_kind(f),
		driver ? driver : "-");
	g = vfctl_snapshot_find_group(s, vfctl_function_iommu_group(f));
	if (g)
		printf(" group %d%s", vfctl_group_id(g),
			vfctl_group_viable(g) ? "" : " (not viable)");
	if (vfctl_function_total_vfs(f))
		printf(" %zu of %u VFs", vfctl_function_vfs(f), vfctl_function_total_vfs(f));
	printf("\n");
}

int main(int argc, char **argv)
{
	struct vfctl_snapshot *s = NULL;
	struct vfctl_error *e = NULL;
	struct vfctl_host *host = NULL;
	int r;

	r = argc > 1 ? vfctl_host_open_captured(argv[1], &host, &e) : vfctl_host_open(&host, &e);
	if (r < 0)
		return complain(e);
	r = vfctl_snapshot_take(host, &s, &e);
	if (r < 0) {
		vfctl_host_close(host);
		return complain(e);
	}
	for (size_t i = 0; i < vfctl_snapshot_functions(s); i++)
		show(s, vfctl_snapshot_function(s, i));
	vfctl_snapshot_free(s);
	vfctl_host_close(host);
	return 0;
}
