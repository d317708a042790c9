// SPDX-License-Identifier: GPL-2.0-or-later
#include "setting/setting.h"
#include "cast.h"
#include "handle.h"

#include "base/str.h"

struct vfctl_settings {
	struct setting_states s;
};

const char *vfctl_setting_key(unsigned i)
{
	const struct setting_key *key = setting_key_at(i);

	return key ? key->name : NULL;
}

const char *vfctl_setting_takes(const char *key)
{
	const struct setting_key *k = setting_key_find(key);

	return k && str_eq(k->name, key) ? k->takes : NULL;
}

int vfctl_settings_read(struct vfctl_host *host, const struct vfctl_function *f,
	struct vfctl_settings **ret, struct vfctl_error **reterr)
{
	struct vfctl_settings *s = calloc(1, sizeof(*s));
	int r = s ? settings_supported(host->host, function_of(f), host->learned_dir, &s->s)
		  : -ENOMEM;

	if (r < 0) {
		free(s);
		return api_error(reterr, NULL, r);
	}
	*ret = s;
	return 0;
}

void vfctl_settings_free(struct vfctl_settings *s)
{
	if (s)
		setting_states_done(&s->s);
	free(s);
}

size_t vfctl_settings_count(const struct vfctl_settings *s)
{
	return s->s.n;
}

const char *vfctl_settings_key(const struct vfctl_settings *s, size_t i)
{
	return i < s->s.n ? s->s.v[i].key->name : NULL;
}

const char *vfctl_settings_support(const struct vfctl_settings *s, size_t i)
{
	return i < s->s.n ? setting_support_name(s->s.v[i].support) : NULL;
}

const char *vfctl_settings_why(const struct vfctl_settings *s, size_t i)
{
	return i < s->s.n ? s->s.v[i].why : NULL;
}

const char *vfctl_settings_value(const struct vfctl_settings *s, size_t i)
{
	return i < s->s.n ? s->s.v[i].value : NULL;
}
