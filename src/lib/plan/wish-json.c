// SPDX-License-Identifier: GPL-2.0-or-later
/* A picture of a function as a wish that it be so again. */
#include "wish.h"

#include "base/str.h"

#include <json-c/json.h>

static json_object *get(json_object *j, const char *key, json_type type)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(j, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

static const char *get_text(json_object *j, const char *key)
{
	json_object *v = get(j, key, json_type_string);

	return v ? json_object_get_string(v) : NULL;
}

static int get_number(json_object *j, const char *key, int otherwise)
{
	json_object *v = get(j, key, json_type_int);
	int64_t n = v ? json_object_get_int64(v) : otherwise;

	return n >= 0 && n <= UINT16_MAX ? (int)n : otherwise;
}

static int add_setting(char ***settings, const char *key, const char *value)
{
	autofree char *word = value ? str_printf("%s=%s", key, value) : NULL;

	if (!value)
		return 0;
	return word ? wish_setting(settings, word) : -ENOMEM;
}

/* The list that `show` makes of all keys: those whose value was known. */
static int add_settings(json_object *j, char ***settings, char **mode)
{
	json_object *list = get(j, "settings", json_type_array);
	int r = 0;

	for (size_t i = 0; r == 0 && list && i < json_object_array_length(list); i++) {
		json_object *one = json_object_array_get_idx(list, i);
		const char *key = get_text(one, "key"), *value = get_text(one, "value");

		if (!key || !value || str_eq(value, "00:00:00:00:00:00"))
			continue;
		r = mode && str_eq(key, "eswitch-mode") ? wish_put(mode, value)
							: add_setting(settings, key, value);
	}
	return r;
}

static int add_switch(json_object *vf, const char *from, const char *key, char ***settings)
{
	json_object *v = get(vf, from, json_type_boolean);

	return v ? add_setting(settings, key, json_object_get_boolean(v) ? "on" : "off") : 0;
}

static int add_rates(json_object *vf, char ***settings)
{
	json_object *rate = get(vf, "rate", json_type_object);
	autofree char *max = str_printf("%d", get_number(rate, "max_tx", 0));
	autofree char *min = str_printf("%d", get_number(rate, "min_tx", 0));

	if (!max || !min)
		return -ENOMEM;
	if (get_number(rate, "min_tx", 0) > 0 && add_setting(settings, "min-rate", min) < 0)
		return -ENOMEM;
	return rate ? add_setting(settings, "max-rate", max) : 0;
}

static int add_vlan(json_object *vf, char ***settings)
{
	json_object *list = get(vf, "vlan_list", json_type_array);
	json_object *first = list ? json_object_array_get_idx(list, 0) : NULL;
	autofree char *vlan = str_printf("%d", get_number(first, "vlan", 0));
	autofree char *qos = str_printf("%d", get_number(first, "qos", 0));

	if (!vlan || !qos)
		return -ENOMEM;
	if (!list)
		return 0;
	/* iproute2 tells the protocol only when it is not the usual one. */
	if (add_setting(settings, "vlan", vlan) < 0 ||
		add_setting(settings, "proto", get_text(first, "protocol")) < 0)
		return -ENOMEM;
	return get_number(first, "qos", 0) ? add_setting(settings, "qos", qos) : 0;
}

/* One of `vfinfo_list`, as iproute2 has it too. */
static int add_vfinfo(struct pf_wish *pf, json_object *vf)
{
	const char *mac = get_text(vf, "address");
	int index = get_number(vf, "vf", -1), r = 0;
	struct vf_wish *w = index < 0 ? NULL : pf_wish_vf(pf, (unsigned)index);

	if (!w)
		return index < 0 ? 0 : -ENOMEM;
	if (mac && !str_eq(mac, "00:00:00:00:00:00"))
		r = add_setting(&w->settings, "mac", mac);
	if (r == 0)
		r = add_vlan(vf, &w->settings);
	if (r == 0)
		r = add_rates(vf, &w->settings);
	if (r == 0)
		r = add_switch(vf, "spoofchk", "spoofchk", &w->settings);
	if (r == 0)
		r = add_switch(vf, "trust", "trust", &w->settings);
	if (r == 0)
		r = add_switch(vf, "query_rss_en", "query-rss", &w->settings);
	if (r == 0)
		r = add_setting(&w->settings, "node-guid", get_text(vf, "node_guid"));
	if (r == 0)
		r = add_setting(&w->settings, "port-guid", get_text(vf, "port_guid"));
	return r < 0 ? r : add_setting(&w->settings, "link-state", get_text(vf, "link_state"));
}

static int add_pf(struct wishes *w, struct bdf bdf, json_object *j, json_object *sriov)
{
	json_object *list = get(j, "vfinfo_list", json_type_array);
	json_object *autoprobe = get(sriov, "drivers_autoprobe", json_type_boolean);
	struct pf_wish *pf = wishes_pf(w, bdf);
	int r;

	if (!pf)
		return -ENOMEM;
	pf->num_vfs = get_number(sriov, "num_vfs", WISH_LEAVE);
	if (autoprobe)
		pf->autoprobe = json_object_get_boolean(autoprobe);
	r = add_settings(j, &pf->settings, &pf->eswitch_mode);
	for (size_t i = 0; r == 0 && list && i < json_object_array_length(list); i++)
		r = add_vfinfo(pf, json_object_array_get_idx(list, i));
	return r;
}

static int add_driver(json_object *j, char **driver, char **override)
{
	const char *name = get_text(j, "driver"), *forced = get_text(j, "driver_override");
	int r = wish_put(driver, name ? name : WISH_NO_DRIVER);

	return r < 0 ? r : wish_put(override, forced ? forced : WISH_NO_OVERRIDE);
}

static int add_function(struct wishes *w, json_object *j)
{
	const char *address = get_text(j, "address"), *physfn = get_text(j, "physfn");
	json_object *sriov = get(j, "sriov", json_type_object);
	struct pf_wish *pf;
	struct vf_wish *vf;
	struct bdf bdf;
	int r;

	if (!address || bdf_parse(address, &bdf) < 0 || (physfn && bdf_parse(physfn, &bdf) < 0))
		return -EINVAL;
	if (sriov)
		return add_pf(w, bdf, j, sriov);
	pf = wishes_pf(w, bdf);
	if (!pf)
		return -ENOMEM;
	if (!physfn)
		return add_driver(j, &pf->driver, &pf->override);
	if (get_number(j, "vf_index", -1) < 0)
		return -EINVAL;
	vf = pf_wish_vf(pf, (unsigned)get_number(j, "vf_index", 0));
	r = vf ? add_driver(j, &vf->driver, &vf->override) : -ENOMEM;
	return r < 0 ? r : add_settings(j, &vf->settings, NULL);
}

static int add_all(struct wishes *w, json_object *j)
{
	json_object *list = get(j, "functions", json_type_array);
	int r = 0;

	if (!list)
		return add_function(w, j);
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++)
		r = add_function(w, json_object_array_get_idx(list, i));
	return r;
}

int wishes_from_json(
	const char *text, const char *source, struct wishes *ret, struct problem **reterr)
{
	enum json_tokener_error e = json_tokener_success;
	json_object *j = json_tokener_parse_verbose(text, &e);
	autowishes w = { 0 };
	int r = json_object_is_type(j, json_type_object) ? add_all(&w, j) : -EINVAL;

	json_object_put(j);
	for (size_t i = 0; r == 0 && i < w.n; i++)
		r = wish_put(&w.v[i].source, source);
	if (r < 0)
		return problem(reterr, r, r == -EINVAL ? PROBLEM_USAGE : PROBLEM_NO_MEMORY,
			"give what vfctl show --json or list --json printed", "%s: %s", source,
			r != -EINVAL		    ? strerror(-r)
			: e != json_tokener_success ? json_tokener_error_desc(e)
						    : "this is no function");
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}
