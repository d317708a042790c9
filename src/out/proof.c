// SPDX-License-Identifier: GPL-2.0-or-later
#include "proof.h"
#include "cell.h"
#include "json.h"
#include "vfio/migration.h"

#include <inttypes.h>

struct row {
	const struct tested *t;
	const struct proof_check *c;
};

#define CHECK(row) (((const struct row *)(row))->c)

static int text_address(const void *row, char **ret)
{
	return cell_str(ret, ((const struct row *)row)->t->address);
}

static int text_class(const void *row, char **ret)
{
	return cell_str(ret, ((const struct row *)row)->t->proof.device_class);
}

static int text_check(const void *row, char **ret)
{
	return cell_str(ret, CHECK(row)->name);
}

static int text_verdict(const void *row, char **ret)
{
	return cell_str(ret, proof_verdict_name(CHECK(row)->verdict));
}

static int text_result(const void *row, char **ret)
{
	return cell_str(ret, CHECK(row)->text);
}

static int text_evidence(const void *row, char **ret)
{
	return cell_str(ret, CHECK(row)->evidence);
}

static int text_interrupts(const void *row, char **ret)
{
	return cell_fmt(ret, "%" PRIu64, CHECK(row)->interrupts);
}

static int text_faults(const void *row, char **ret)
{
	return cell_fmt(ret, "%" PRIu64, CHECK(row)->faults);
}

static int text_bytes(const void *row, char **ret)
{
	return cell_fmt(ret, "%" PRIu64, CHECK(row)->bytes);
}

static int text_ms(const void *row, char **ret)
{
	return cell_fmt(ret, "%u", CHECK(row)->ms);
}

static const char *color_verdict(const void *row)
{
	static const char *const colors[] = {
		[PROOF_PROVED] = "green",
		[PROOF_FAILED] = "red",
		[PROOF_UNPROVED] = "yellow",
		[PROOF_SKIPPED] = NULL,
	};

	return colors[CHECK(row)->verdict];
}

const struct out_column tested_columns[] = {
	{ "ADDRESS", "the function", OUT_USUAL, text_address, NULL },
	{ "CLASS", "nvme, igb, generic", 0, text_class, NULL },
	{ "CHECK", "what was tried", OUT_USUAL, text_check, NULL },
	{ "VERDICT", "proved, failed, …", OUT_USUAL, text_verdict, color_verdict },
	{ "RESULT", "what was found", OUT_USUAL | OUT_WRAP, text_result, NULL },
	{ "EVIDENCE", "values, a line of the log", OUT_WRAP, text_evidence, NULL },
	{ "INTERRUPTS", "that arrived", OUT_RIGHT, text_interrupts, NULL },
	{ "FAULTS", "of the IOMMU that were seen", OUT_RIGHT, text_faults, NULL },
	{ "BYTES", "moved by the function", OUT_RIGHT, text_bytes, NULL },
	{ "MS", "how long it took", OUT_RIGHT, text_ms, NULL },
};
const size_t n_tested_columns = ARRAY_SIZE(tested_columns);

void tested_done(struct tested *t)
{
	free(t->address);
	free(t->driver);
	proof_done(&t->proof);
	*t = (struct tested) { 0 };
}

static void complain(const struct out *o, const struct tested *t)
{
	for (size_t i = 0; i < t->proof.n; i++) {
		const struct proof_check *c = &t->proof.v[i];
		autofree char *text = NULL, *hint = NULL;

		if (c->verdict != PROOF_FAILED && c->verdict != PROOF_UNPROVED)
			continue;
		text = str_printable(c->text ? c->text : "");
		hint = str_printable(c->hint ? c->hint : "");
		fprintf(o->notes, "vfctl: %s: %s %s: %s\n", t->address, c->name,
			proof_verdict_name(c->verdict), text ? text : "");
		if (c->hint && hint)
			fprintf(o->notes, "  hint: %s\n", hint);
	}
}

static int show_table(
	const struct out *o, const struct tested *v, size_t n, struct problem **reterr)
{
	autofree struct row *rows = calloc(n * PROOF_CHECKS_MAX + 1, sizeof(*rows));
	autofree const void **list = calloc(n * PROOF_CHECKS_MAX + 1, sizeof(*list));
	size_t k = 0;
	int r;

	if (!rows || !list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < v[i].proof.n; c++, k++) {
			rows[k] = (struct row) { &v[i], &v[i].proof.v[c] };
			list[k] = &rows[k];
		}
	r = out_table(o, tested_columns, n_tested_columns, list, k, reterr);
	fflush(o->to);
	for (size_t i = 0; r == 0 && i < n; i++)
		complain(o, &v[i]);
	return r;
}

static void check_json(struct json *j, json_object *list, const struct proof_check *c)
{
	json_object *e = json_add_object(j, list, NULL);
	bool bad = c->verdict == PROOF_FAILED || c->verdict == PROOF_UNPROVED;

	json_add_str(j, e, "name", c->name);
	json_add_str(j, e, "verdict", proof_verdict_name(c->verdict));
	json_add_str(j, e, "kind", bad ? problem_kind_name(c->kind) : NULL);
	json_add_str(j, e, "result", c->text);
	json_add_str(j, e, "evidence", c->evidence);
	json_add_str(j, e, "hint", c->hint);
	json_add_u64(j, e, "interrupts", c->interrupts);
	json_add_u64(j, e, "faults", c->faults);
	json_add_u64(j, e, "bytes", c->bytes);
	json_add_u64(j, e, "ms", c->ms);
}

/* What the driver offers, [] for nothing, null where that is unknown. */
static void migration_json(struct json *j, json_object *to, int offered)
{
	json_object *list;
	const char *word;

	if (offered < 0) {
		json_add_null(j, to, "migration");
		return;
	}
	list = json_add_array(j, to, "migration");
	for (unsigned i = 0; (word = vfio_migration_word((unsigned)offered, i)); i++)
		json_add_str(j, list, NULL, word);
}

static void tested_json(struct json *j, json_object *list, const struct tested *t)
{
	json_object *e = json_add_object(j, list, NULL), *checks;
	uint64_t interrupts = 0, faults = 0, bytes = 0;

	json_add_str(j, e, "address", t->address);
	json_add_str(j, e, "class", t->proof.device_class);
	json_add_str(j, e, "driver", t->driver);
	json_add_bool(j, e, "proved", !proof_obstacle(&t->proof));
	checks = json_add_array(j, e, "checks");
	for (size_t i = 0; i < t->proof.n; i++) {
		check_json(j, checks, &t->proof.v[i]);
		interrupts += t->proof.v[i].interrupts;
		faults += t->proof.v[i].faults;
		bytes += t->proof.v[i].bytes;
	}
	json_add_u64(j, e, "interrupts", interrupts);
	json_add_u64(j, e, "faults", faults);
	json_add_u64(j, e, "bytes", bytes);
	json_add_known(j, e, "reset_ms", t->proof.reset_ms);
	migration_json(j, e, t->proof.migration);
}

static int show_json(const struct out *o, const struct tested *v, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "tests");

	for (size_t i = 0; i < n; i++)
		tested_json(&j, list, &v[i]);
	return json_print(&j, o, reterr);
}

int out_tested(const struct out *o, const struct tested *v, size_t n, struct problem **reterr)
{
	int r = out_is_json(o) ? show_json(o, v, n, reterr) : show_table(o, v, n, reterr);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct proof_check *c = proof_obstacle(&v[i].proof);

		if (c)
			return problem_kind_exit_code(c->kind);
	}
	return r;
}
