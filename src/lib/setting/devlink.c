// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What devlink sets: the embedded switch of a PF, and behind the ports that it has for its VFs in
 * switchdev mode the functions and their rates (kernel documentation, networking/devlink).
 */
#include "kinds.h"
#include "port.h"

#include "base/mac.h"
#include "base/str.h"
#include "host/devlink.h"

#include <inttypes.h>
#include <linux/devlink.h>

static const char *const modes[] = { "legacy", "switchdev", NULL };
static const char *const inline_modes[] = { "none", "link", "network", "transport", NULL };
static const char *const encap_modes[] = { "none", "basic", NULL };
static const char *const fn_states[] = { "inactive", "active", NULL };

/* Rates are bytes per second in devlink and Mb/s to people, as the other rates. */
enum { BYTES_PER_MBIT = 125000 };

enum row {
	MODE,
	INLINE,
	ENCAP,
	ADDRESS,
	STATE,
	ROCE,
	MIGRATABLE,
	IPSEC_CRYPTO,
	IPSEC_PACKET,
	MAX_IO_EQS,
	TX_SHARE,
	TX_MAX,
	TX_PRIORITY,
	TX_WEIGHT,
	ROWS
};

#define OF_PF(n, t) .name = n, .takes = t, .level = SETTING_OF_PF, .when = SETTING_BEFORE_VFS
#define OF_VF(n, t) .name = n, .takes = t, .level = SETTING_OF_VF, .when = SETTING_BEFORE_BIND

static const struct setting_key keys[ROWS] = {
	[MODE] = { OF_PF("eswitch-mode", "legacy or switchdev"), .type = SETTING_CHOICE,
		.choices = modes },
	[INLINE] = { OF_PF("inline-mode", "none, link, network or transport"),
		.type = SETTING_CHOICE, .choices = inline_modes },
	[ENCAP] = { OF_PF("encap-mode", "none or basic"), .type = SETTING_CHOICE,
		.choices = encap_modes },
	[ADDRESS] = { OF_VF("hw-addr", "a unicast address, or a GUID of 8 bytes"),
		.type = SETTING_WORDS, .own = true },
	[STATE] = { OF_VF("port-state", "active or inactive"), .type = SETTING_CHOICE,
		.choices = fn_states },
	[ROCE] = { OF_VF("roce", "on or off"), .type = SETTING_SWITCH },
	[MIGRATABLE] = { OF_VF("migratable", "on or off"), .type = SETTING_SWITCH },
	[IPSEC_CRYPTO] = { OF_VF("ipsec-crypto", "on or off"), .type = SETTING_SWITCH },
	[IPSEC_PACKET] = { OF_VF("ipsec-packet", "on or off"), .type = SETTING_SWITCH },
	[MAX_IO_EQS] = { OF_VF("max-io-eqs", "a number of event queues"), .type = SETTING_NUMBER,
		.max = UINT32_MAX },
	[TX_SHARE] = { OF_VF("tx-share", "Mb/s that it can count on, 0 for none"),
		.type = SETTING_NUMBER, .max = UINT32_MAX, .unit = "Mb/s" },
	[TX_MAX] = { OF_VF("tx-max", "Mb/s at most, 0 for no limit"), .type = SETTING_NUMBER,
		.max = UINT32_MAX, .unit = "Mb/s" },
	[TX_PRIORITY] = { OF_VF("tx-priority", "0 to 7, 7 is served first"), .type = SETTING_NUMBER,
		.max = 7 },
	[TX_WEIGHT] = { OF_VF("tx-weight", "a share among those of equal priority"),
		.type = SETTING_NUMBER, .max = UINT32_MAX },
};

static const enum devlink_cap cap_of[ROWS] = {
	[ROCE] = DEVLINK_CAP_ROCE,
	[MIGRATABLE] = DEVLINK_CAP_MIGRATABLE,
	[IPSEC_CRYPTO] = DEVLINK_CAP_IPSEC_CRYPTO,
	[IPSEC_PACKET] = DEVLINK_CAP_IPSEC_PACKET,
};

/* A MAC, or for InfiniBand a GUID. */
static int value(const struct setting_key *key, const char *text, char **ret)
{
	static const struct setting_key mac = { .type = SETTING_MAC },
					guid = { .type = SETTING_GUID };

	if (key != &keys[ADDRESS])
		return setting_value_by_type(key, text, ret);
	return setting_value_by_type(strlen(text) > 17 ? &guid : &mac, text, ret);
}

static int suits(const struct function *f, struct problem **reterr)
{
	const struct function *pf = f->physfn ? f->physfn : f;

	if (str_eq(pf->class_word, "network") || pf->n_netdevs)
		return 0;
	return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s is not a network function (%s): it has no eswitch", f->address, f->class_word);
}

/* ---- Looking ---- */

static void none_supported(struct setting_state *states, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		setting_state_unsupported(&states[i], "%s", why);
}

/* What keeps devlink from answering, in words; unknown stays unknown. */
static void no_answer(const struct function *pf, int code, struct setting_state *states, size_t n)
{
	const char *driver = pf->driver ? pf->driver : "no driver, which";
	autofree char *why = NULL;

	if (code == -ENODEV)
		why = str_printf("%s has no devlink instance for %s", driver, pf->address);
	else if (code == -ENOSYS)
		why = strdup("this kernel has no devlink");
	else if (code == -EOPNOTSUPP)
		why = str_printf("%s has no eswitch that devlink can set", driver);
	if (why)
		none_supported(states, n, why);
}

static void choice_state(struct setting_state *s, int now, const char *driver)
{
	int known = 0;

	while (s->key->choices[known])
		known++;
	if (now < 0)
		setting_state_unsupported(s, "%s does not have it", driver);
	else
		setting_state_supported(s, now < known ? s->key->choices[now] : NULL);
}

static void look_at_eswitch(
	struct host *h, const struct function *pf, struct setting_state *states, size_t n)
{
	const char *driver = pf->driver ? pf->driver : "the driver";
	struct devlink_eswitch now;
	int r = port_eswitch(h, pf, &now);

	if (r < 0) {
		no_answer(pf, r, states, n);
		return;
	}
	choice_state(setting_state_find(states, n, "eswitch-mode"), now.mode, driver);
	choice_state(setting_state_find(states, n, "inline-mode"), now.inline_mode, driver);
	choice_state(setting_state_find(states, n, "encap-mode"), now.encap_mode, driver);
}

/* -1: nobody tells it, so nobody can set it either. */
static void number_state(struct setting_state *s, int64_t now, int64_t unit, const char *driver)
{
	autofree char *text = now >= 0 ? str_printf("%" PRIi64, now / unit) : NULL;

	if (now < 0)
		setting_state_unsupported(s, "%s does not have it on this kernel", driver);
	else
		setting_state_supported(s, text);
}

static void address_state(
	struct setting_state *s, const struct devlink_function *f, const char *driver)
{
	autostrbuf text = { 0 };

	if (!f->address_len) {
		setting_state_unsupported(s, "%s does not have it", driver);
		return;
	}
	for (unsigned i = 0; i < f->address_len; i++)
		strbuf_add(&text, "%s%02x", i ? ":" : "", f->address[i]);
	setting_state_supported(s, text.s);
}

static void function_states(const struct devlink_function *f, const char *driver,
	struct setting_state *states, size_t n)
{
	address_state(setting_state_find(states, n, "hw-addr"), f, driver);
	choice_state(setting_state_find(states, n, "port-state"), f->state, driver);
	for (int i = ROCE; i <= IPSEC_PACKET; i++) {
		struct setting_state *s = setting_state_find(states, n, keys[i].name);
		uint32_t bit = 1U << cap_of[i];

		if (f->caps_known & bit)
			setting_state_supported(s, f->caps & bit ? "on" : "off");
		else
			setting_state_unsupported(s, "%s does not have it", driver);
	}
	number_state(setting_state_find(states, n, "max-io-eqs"), f->max_io_eqs, 1, driver);
}

static void rate_states(struct host *h, const struct function *pf, unsigned port,
	const char *driver, struct setting_state *states, size_t n)
{
	struct devlink_rate now = { -1, -1, -1, -1 };
	int r = port_rate(h, pf, port, &now);

	if (r < 0 && r != -ENODEV && r != -EOPNOTSUPP)
		return;
	number_state(
		setting_state_find(states, n, "tx-share"), now.tx_share, BYTES_PER_MBIT, driver);
	number_state(setting_state_find(states, n, "tx-max"), now.tx_max, BYTES_PER_MBIT, driver);
	number_state(setting_state_find(states, n, "tx-priority"), now.tx_priority, 1, driver);
	number_state(setting_state_find(states, n, "tx-weight"), now.tx_weight, 1, driver);
}

/* No port for the VF: because of the eswitch, mostly. */
static void no_port(
	struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	struct devlink_eswitch now;
	autofree char *why = NULL;
	int r = port_eswitch(h, f->physfn, &now);

	if (r < 0) {
		no_answer(f->physfn, r, states, n);
		return;
	}
	if (now.mode == DEVLINK_ESWITCH_MODE_LEGACY)
		why = str_printf("%s has ports for its VFs only with eswitch-mode=switchdev",
			f->physfn->address);
	else
		why = str_printf("%s has no port for this VF", f->physfn->address);
	if (why)
		none_supported(states, n, why);
}

static void look_at_port(
	struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	const char *driver = setting_driver(f) ? setting_driver(f) : "the PF's driver";
	struct devlink_port port;
	int r = port_of_vf(h, f, &port);

	if (r == -ENOENT) {
		no_port(h, f, states, n);
		return;
	}
	if (r < 0) {
		no_answer(f->physfn, r, states, n);
		return;
	}
	function_states(&port.function, driver, states, n);
	rate_states(h, f->physfn, port.index, driver, states, n);
}

static void look(struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	(f->physfn ? look_at_port : look_at_eswitch)(h, f, states, n);
}

/* ---- Setting ---- */

static int refused(const struct application *app, const struct setting_key *key, int code,
	const struct devlink_says *says, struct problem **reterr)
{
	const char *driver = setting_driver(app->f);
	bool unsupported = code == -EOPNOTSUPP || code == -ENODEV || code == -ENOSYS;

	return problem(reterr, code,
		unsupported ? PROBLEM_UNSUPPORTED : problem_kind_from_errno(code),
		key->level == SETTING_OF_PF && code == -EBUSY
			? "many drivers change the eswitch only while there are no VFs"
			: NULL,
		"%s: %s refuses %s: %s", app->f->address, driver ? driver : "the kernel", key->name,
		says->text[0] ? says->text : strerror(-code));
}

static int index_of(const struct setting_key *key, const char *word)
{
	for (int i = 0; key->choices[i]; i++)
		if (str_eq(key->choices[i], word))
			return i;
	return -1;
}

/* The VFs lose their connection, or their ports, while the switch changes. */
static int write_eswitch(struct application *app, const struct setting_key *key, const char *text,
	struct devlink_says *says, struct problem **reterr)
{
	struct devlink_eswitch to = { -1, -1, -1 };
	int r = key == &keys[MODE] ? setting_vfs_unused(app, "change the eswitch", reterr) : 0;

	if (r < 0)
		return r;
	if (key == &keys[MODE])
		to.mode = index_of(key, text);
	else if (key == &keys[INLINE])
		to.inline_mode = index_of(key, text);
	else
		to.encap_mode = index_of(key, text);
	r = port_set_eswitch(app->host, app->f, &to, says);
	return r < 0 ? refused(app, key, r, says, reterr) : 0;
}

static void parse_address(const char *text, struct devlink_function *to)
{
	uint64_t byte;

	for (; *text && to->address_len < DEVLINK_ADDRESS_MAX; text += 2, text += *text == ':') {
		char two[3] = { text[0], text[1] };

		if (parse_hex(two, &byte) < 0)
			return;
		to->address[to->address_len++] = (uint8_t)byte;
	}
}

static int write_function(struct application *app, const struct setting_key *key, const char *text,
	unsigned port, struct devlink_says *says)
{
	struct devlink_function to = devlink_function_none();
	enum row row = (enum row)(key - keys);
	uint64_t number = 0;

	if (row == ADDRESS) {
		parse_address(text, &to);
	} else if (row == STATE) {
		to.state = index_of(key, text);
	} else if (row == MAX_IO_EQS) {
		parse_u64(text, &number);
		to.max_io_eqs = (int64_t)number;
	} else {
		to.caps_known = 1U << cap_of[row];
		to.caps = str_eq(text, "on") ? to.caps_known : 0;
	}
	return port_set_function(app->host, app->f->physfn, port, &to, says);
}

static int write_rate(struct application *app, const struct setting_key *key, const char *text,
	unsigned port, struct devlink_says *says)
{
	struct devlink_rate to = { -1, -1, -1, -1 };
	uint64_t number = 0;
	int64_t v;

	parse_u64(text, &number);
	v = (int64_t)number;
	if (key == &keys[TX_SHARE])
		to.tx_share = v * BYTES_PER_MBIT;
	else if (key == &keys[TX_MAX])
		to.tx_max = v * BYTES_PER_MBIT;
	else if (key == &keys[TX_PRIORITY])
		to.tx_priority = v;
	else
		to.tx_weight = v;
	return port_set_rate(app->host, app->f->physfn, port, &to, says);
}

static int without_port(struct application *app, const struct setting_key *key,
	const struct devlink_says *says, struct problem **reterr)
{
	const struct function *pf = app->f->physfn;
	struct devlink_eswitch now;
	int r = port_eswitch(app->host, pf, &now);

	if (r < 0)
		return refused(app, key, r, says, reterr);
	problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s: its PF has no port for it, which %s is set through", app->f->address,
		key->name);
	if (now.mode == DEVLINK_ESWITCH_MODE_LEGACY)
		problem_hint(reterr, "vfctl set %s eswitch-mode=switchdev gives its VFs ports",
			pf->address);
	return -EOPNOTSUPP;
}

static int write_port(struct application *app, const struct setting_key *key, const char *text,
	struct devlink_says *says, struct problem **reterr)
{
	struct devlink_port port;
	int r = port_of_vf(app->host, app->f, &port);

	if (r == -ENOENT)
		return without_port(app, key, says, reterr);
	if (r == 0)
		r = (key - keys < TX_SHARE ? write_function : write_rate)(
			app, key, text, port.index, says);
	return r < 0 ? refused(app, key, r, says, reterr) : 0;
}

static int write_it(struct application *app, const struct setting_key *key, const char *text,
	struct problem **reterr)
{
	struct devlink_says says = { "" };

	return (app->f->physfn ? write_port : write_eswitch)(app, key, text, &says, reterr);
}

const struct setting_kind devlink_kind = {
	.name = "devlink",
	.class_word = "network",
	.keys = keys,
	.n_keys = ROWS,
	.suits = suits,
	.look = look,
	.write = write_it,
	.value = value,
};
