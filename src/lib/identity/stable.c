// SPDX-License-Identifier: GPL-2.0-or-later
#include "stable.h"
#include "known.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/conf.h"

#include <nettle/hmac.h>

#define MACHINE_ID "/etc/machine-id"

struct seed {
	struct bdf pf;
	char *text;
};

struct stable {
	struct host *h;
	const struct inventory *inv;
	const char *identity_dir;
	uint8_t machine_id[MACHINE_ID_BYTES];
	bool has_machine_id;
	struct known known;
	bool known_loaded;
	struct seed *seeds;
	size_t n_seeds;
};

static const char *const kinds[] = {
	[STABLE_MAC] = "mac",
	[STABLE_NODE_GUID] = "node-guid",
	[STABLE_PORT_GUID] = "port-guid",
};

/* machine-id(5): 32 hexadecimal digits; "uninitialized" in an image that was never booted. */
static int parse_machine_id(const char *text, uint8_t ret[MACHINE_ID_BYTES])
{
	for (unsigned i = 0; i < MACHINE_ID_BYTES; i++) {
		char pair[3] = { text[0], text[0] ? text[1] : '\0', '\0' };
		uint64_t v;

		if (strlen(pair) != 2 || pair[0] == 'x' || pair[1] == 'x' ||
			parse_hex(pair, &v) < 0)
			return -EINVAL;
		ret[i] = (uint8_t)v;
		text += 2;
	}
	return *text == '\0' || *text == '\n' ? 0 : -EINVAL;
}

static int read_machine_id(struct host *h, uint8_t ret[MACHINE_ID_BYTES], struct problem **reterr)
{
	autofree char *text = NULL;
	size_t len = 0;
	int r = conf_read(h, MACHINE_ID, &text, &len);

	if (r == 0)
		r = parse_machine_id(text, ret);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return problem(reterr, r, PROBLEM_NOT_FOUND, "systemd-machine-id-setup makes one",
			"stable addresses need the machine's id, and %s has none: %s", MACHINE_ID,
			strerror(-r));
	return 0;
}

int stable_new(
	struct host *h, const struct inventory *inv, const char *identity_dir, struct stable **ret)
{
	struct stable *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct stable) { .h = h, .inv = inv, .identity_dir = identity_dir };
	*ret = s;
	return 0;
}

void stable_free(struct stable *s)
{
	if (!s)
		return;
	known_done(&s->known);
	for (size_t i = 0; i < s->n_seeds; i++)
		free(s->seeds[i].text);
	free(s->seeds);
	explicit_bzero(s->machine_id, sizeof(s->machine_id));
	free(s);
}

void stable_derive(const uint8_t machine_id[MACHINE_ID_BYTES], const char *seed,
	enum stable_kind kind, unsigned index, unsigned candidate, uint8_t ret[8])
{
	autofree char *text =
		str_printf("vfctl %s %s vf %u candidate %u", kinds[kind], seed, index, candidate);
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, MACHINE_ID_BYTES, machine_id);
	if (text)
		hmac_sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&ctx, 8, ret);
	/* IEEE 802c: individual, local, "administratively assigned". */
	ret[0] = (uint8_t)((ret[0] & 0xf0) | 0x02);
}

/* The card's, which is looked at once, as is the machine's id. */
static int seed_of(struct stable *s, struct bdf pf, const char **ret, struct problem **reterr)
{
	autoidentity found = { 0 };
	int r = s->has_machine_id ? 0 : read_machine_id(s->h, s->machine_id, reterr);

	if (r < 0)
		return r;
	s->has_machine_id = true;
	for (size_t i = 0; i < s->n_seeds; i++)
		if (bdf_eq(s->seeds[i].pf, pf)) {
			*ret = s->seeds[i].text;
			return 0;
		}
	r = identity_verify(s->h, s->identity_dir, pf, &found, reterr);
	if (r < 0)
		return r;
	if (!GROW(s->seeds, s->n_seeds))
		return -ENOMEM;
	s->seeds[s->n_seeds++] = (struct seed) { pf, TAKE_PTR(found.seed) };
	*ret = s->seeds[s->n_seeds - 1].text;
	return 0;
}

static int load_known(struct stable *s)
{
	int r = s->known_loaded ? 0 : known_load(s->h, s->inv, &s->known);

	s->known_loaded = r == 0;
	return r;
}

static char *owner_text(const struct known_mac *k)
{
	if (k->name[0])
		return str_printf("%s", k->name);
	if (k->owner.vf < 0)
		return str_printf("%s", BDF_TEXT(k->owner.pf));
	return str_printf("%s/vf%d", BDF_TEXT(k->owner.pf), k->owner.vf);
}

int stable_claim(struct stable *s, struct mac m, struct stable_owner whose, char **ret_who)
{
	const struct known_mac *other;
	int r = load_known(s);

	if (r < 0)
		return r;
	other = known_claim(&s->known, m, whose);
	if (!other)
		return 1;
	*ret_who = owner_text(other);
	return *ret_who ? 0 : -ENOMEM;
}

int stable_release(struct stable *s, struct stable_owner whose)
{
	int r = load_known(s);

	if (r == 0)
		known_release(&s->known, whose);
	return r;
}

static struct mac mac_of(const uint8_t b[8])
{
	struct mac m;

	memcpy(m.b, b, sizeof(m.b));
	return m;
}

/* The candidate that the VF has already, or the first that nobody has; -1 when all are taken. */
static int choose(const struct stable *s, const struct mac *candidates, struct stable_owner vf)
{
	for (int i = 0; i < STABLE_CANDIDATES; i++)
		if (known_has(&s->known, candidates[i], vf) &&
			!known_other(&s->known, candidates[i], vf))
			return i;
	for (int i = 0; i < STABLE_CANDIDATES; i++)
		if (!known_other(&s->known, candidates[i], vf))
			return i;
	return -1;
}

int stable_mac(struct stable *s, struct stable_owner vf, struct mac *ret, struct problem **reterr)
{
	struct mac candidates[STABLE_CANDIDATES];
	const char *seed;
	int i, r;

	r = seed_of(s, vf.pf, &seed, reterr);
	if (r == 0)
		r = load_known(s);
	if (r < 0)
		return r;
	for (unsigned n = 0; n < STABLE_CANDIDATES; n++) {
		uint8_t b[8];

		stable_derive(s->machine_id, seed, STABLE_MAC, (unsigned)vf.vf, n, b);
		candidates[n] = mac_of(b);
	}
	i = choose(s, candidates, vf);
	if (i < 0)
		return problem(reterr, -EADDRINUSE, PROBLEM_IN_USE, "set a MAC address by hand",
			"%s/vf%d: all its %d stable MAC addresses are taken", BDF_TEXT(vf.pf),
			vf.vf, STABLE_CANDIDATES);
	(void)known_claim(&s->known, candidates[i], vf);
	*ret = candidates[i];
	return 0;
}

/* Nothing tells GUIDs back, so there is nothing to compare with. */
int stable_guid(struct stable *s, enum stable_kind kind, struct stable_owner vf, uint64_t *ret,
	struct problem **reterr)
{
	const char *seed;
	uint64_t guid = 0;
	uint8_t b[8];
	int r = seed_of(s, vf.pf, &seed, reterr);

	if (r < 0)
		return r;
	stable_derive(s->machine_id, seed, kind, (unsigned)vf.vf, 0, b);
	for (unsigned i = 0; i < sizeof(b); i++)
		guid = guid << 8 | b[i];
	*ret = guid;
	return 0;
}

/* ---- Words ---- */

static int kind_of(const char *word)
{
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t n = strlen(kinds[k]);

		if (strncmp(word, kinds[k], n) == 0 && str_eq(word + n, "=stable"))
			return (int)k;
	}
	return -1;
}

bool stable_is(const char *word)
{
	return kind_of(word) >= 0;
}

static char *guid_word(enum stable_kind kind, uint64_t g)
{
	return str_printf("%s=%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x", kinds[kind],
		(unsigned)(g >> 56), (unsigned)(g >> 48 & 0xff), (unsigned)(g >> 40 & 0xff),
		(unsigned)(g >> 32 & 0xff), (unsigned)(g >> 24 & 0xff), (unsigned)(g >> 16 & 0xff),
		(unsigned)(g >> 8 & 0xff), (unsigned)(g & 0xff));
}

static int resolve(struct stable *s, struct stable_owner vf, enum stable_kind kind, char **ret,
	struct problem **reterr)
{
	struct mac m = { 0 };
	uint64_t guid = 0;
	int r = kind == STABLE_MAC ? stable_mac(s, vf, &m, reterr)
				   : stable_guid(s, kind, vf, &guid, reterr);

	if (r < 0)
		return r;
	*ret = kind == STABLE_MAC ? str_printf("mac=%s", MAC_TEXT(m)) : guid_word(kind, guid);
	return *ret ? 0 : -ENOMEM;
}

int stable_words(struct stable *s, struct stable_owner vf, const char *const *words, size_t n,
	char ***ret, struct problem **reterr)
{
	autostrv char **v = calloc(1, sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		autofree char *resolved = NULL;
		int kind = kind_of(words[i]);

		if (kind >= 0 && s)
			r = resolve(s, vf, (enum stable_kind)kind, &resolved, reterr);
		if (r == 0)
			r = strv_add(&v, resolved ? resolved : words[i]);
	}
	if (r == 0)
		*ret = TAKE_PTR(v);
	return r;
}
