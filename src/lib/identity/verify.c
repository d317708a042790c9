// SPDX-License-Identifier: GPL-2.0-or-later
/* Is it the recorded card, a new one, or one that came from elsewhere? */
#include "identity.h"
#include "record.h"

#include "base/str.h"
#include "store/store.h"

void identity_finding_done(struct identity_finding *f)
{
	free(f->seed);
	*f = (struct identity_finding) { 0 };
}

static int gone(struct bdf pf, int code, struct problem **reterr)
{
	return problem(reterr, code, code == -ENOENT ? PROBLEM_VANISHED : PROBLEM_IO, NULL,
		"%s: what it is cannot be read: %s", BDF_TEXT(pf), strerror(-code));
}

/* Whether the card that is recorded for `where` still stands there. */
static bool still_there(struct host *h, const struct pf_identity *recorded)
{
	autopfidentity now = { 0 };

	return pf_identity_read(h, recorded->bdf, &now) == 0 &&
	       record_compare(recorded, &now, NULL) >= 0;
}

/*
 * A record of this card under another address; 1 found, 0 not. Cards whose functions share a
 * serial number are told apart by the function's number.
 */
static int find_elsewhere(
	struct host *h, const char *dir, const struct pf_identity *now, struct pf_identity *ret)
{
	autostrv char **names = NULL;
	int r = record_list(h, dir, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	STRV_FOREACH (it, names) {
		autopfidentity old = { 0 };
		struct bdf where;

		if (bdf_parse(*it, &where) < 0 || bdf_eq(where, now->bdf))
			continue;
		r = record_read(h, dir, where, &old);
		if (r == -ENOMEM)
			return r;
		if (r < 0 || record_compare(&old, now, NULL) <= 0 || still_there(h, &old))
			continue;
		if (where.fn != now->bdf.fn && !old.fact[IDENTITY_MAC])
			continue;
		*ret = old;
		old = (struct pf_identity) { 0 };
		return 1;
	}
	return 0;
}

static int refuse(struct bdf pf, const char *why, const struct pf_identity *elsewhere,
	struct problem **reterr)
{
	if (elsewhere)
		problem(reterr, -ESTALE, PROBLEM_DRIFT, NULL,
			"%s is not the card that was configured: %s (it is the one recorded for %s)",
			BDF_TEXT(pf), why, BDF_TEXT(elsewhere->bdf));
	else
		problem(reterr, -ESTALE, PROBLEM_DRIFT, NULL,
			"%s is not the card that was configured: %s", BDF_TEXT(pf), why);
	problem_hint(reterr, "if it is meant to have the configuration: vfctl config accept %s",
		BDF_TEXT(pf));
	return -ESTALE;
}

static int give(struct identity_finding *ret, enum identity_verdict verdict, struct bdf from,
	const char *seed)
{
	struct identity_finding f = { verdict, from, strdup(seed) };

	if (!f.seed)
		return -ENOMEM;
	*ret = f;
	return 0;
}

static int against_record(const struct pf_identity *recorded, const struct pf_identity *now,
	struct host *h, const char *dir, struct identity_finding *ret, struct problem **reterr)
{
	autopfidentity elsewhere = { 0 };
	autofree char *why = NULL;
	int r = record_compare(recorded, now, &why);

	if (r >= 0)
		return give(ret, IDENTITY_SAME, now->bdf, recorded->seed);
	r = find_elsewhere(h, dir, now, &elsewhere);
	if (r < 0)
		return r;
	return refuse(now->bdf, why ? why : "it differs", r > 0 ? &elsewhere : NULL, reterr);
}

static int without_record(const struct pf_identity *now, struct host *h, const char *dir,
	struct identity_finding *ret)
{
	autopfidentity elsewhere = { 0 };
	int r = find_elsewhere(h, dir, now, &elsewhere);

	if (r < 0)
		return r;
	return r > 0 ? give(ret, IDENTITY_MOVED, elsewhere.bdf, elsewhere.seed)
		     : give(ret, IDENTITY_NEW, now->bdf, now->seed);
}

int identity_verify(struct host *h, const char *dir, struct bdf pf, struct identity_finding *ret,
	struct problem **reterr)
{
	autopfidentity now = { 0 }, recorded = { 0 };
	int r = pf_identity_read(h, pf, &now);

	if (r < 0)
		return gone(pf, r, reterr);
	r = record_read(h, dir, pf, &recorded);
	if (r == 0)
		return against_record(&recorded, &now, h, dir, ret, reterr);
	if (r == -ENOENT)
		return without_record(&now, h, dir, ret);
	if (r == -EBADMSG)
		return refuse(pf, "what was recorded of it cannot be understood", NULL, reterr);
	return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s/%s: %s", dir, BDF_TEXT(pf),
		strerror(-r));
}

/* What is not known now and was known of the same card stays known. */
static void keep_known(struct pf_identity *now, struct pf_identity *old)
{
	for (unsigned i = 0; i < IDENTITY_FACTS; i++)
		if (!now->fact[i])
			now->fact[i] = TAKE_PTR(old->fact[i]);
	free(now->seed);
	now->seed = TAKE_PTR(old->seed);
}

static bool is_recorded(const struct pf_identity *now, const struct pf_identity *old)
{
	for (unsigned i = 0; i < IDENTITY_FACTS; i++)
		if (now->fact[i] && !old->fact[i])
			return false;
	return true;
}

static int write_down(const char *dir, const struct pf_identity *p, struct problem **reterr)
{
	int r = record_write(dir, p);

	return r == 0 ? 1
		      : problem(reterr, r, problem_kind_from_errno(r), NULL, "%s/%s: %s", dir,
				BDF_TEXT(p->bdf), strerror(-r));
}

int identity_record(struct host *h, const char *dir, struct bdf pf, struct problem **reterr)
{
	autopfidentity now = { 0 }, old = { 0 };
	int r = pf_identity_read(h, pf, &now);

	if (r < 0)
		return gone(pf, r, reterr);
	if (record_read(h, dir, pf, &old) == 0 && record_compare(&old, &now, NULL) >= 0) {
		if (is_recorded(&now, &old))
			return 0;
		keep_known(&now, &old);
		return write_down(dir, &now, reterr);
	}
	pf_identity_done(&old);
	r = find_elsewhere(h, dir, &now, &old);
	if (r < 0)
		return r;
	if (r == 0)
		return write_down(dir, &now, reterr);
	keep_known(&now, &old);
	r = write_down(dir, &now, reterr);
	if (r > 0)
		(void)store_remove(dir, BDF_TEXT(old.bdf));
	return r;
}
