/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever an administrator writes: what is taken as a value is one, and finding ends. */
#include "fuzz.h"

#include "base/str.h"
#include "policy/line.h"

static void check(const struct policy_text *t, const struct findings *f)
{
	for (size_t i = 0; i < t->n_lines; i++) {
		const struct policy_line *l = &t->lines[i];
		autofree char *again = NULL;

		if (l->key->section == POLICY_VF && l->vfs >= t->n_sets)
			__builtin_trap();
		/* The form in which a value is used is a value itself, and stays as it is. */
		if (l->value && (policy_key_value(l->key, l->value, &again) < 0 ||
					!str_eq(again, l->value)))
			__builtin_trap();
	}
	for (size_t i = 0; i < t->n_sets; i++)
		if (!vf_set_has(&t->sets[i], vf_set_last(&t->sets[i])) || !t->sets[i].count)
			__builtin_trap();
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].what || !finding_kind_name(f->v[i].kind))
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "x.conf";
	struct policy_file file = { .path = name, .text = name, .len = size };
	const struct policy_unit unit = { name, &file, 1 };
	struct findings findings = { 0 };
	struct policy_text text;
	autopolicykeys keys = { 0 };

	if (policy_keys_make(&keys) < 0 || ini_parse((const char *)data, size, 0, &file.ini) < 0)
		return 0;
	findings_add_faults(&findings, name, &file.ini);
	if (policy_text_read(&unit, &keys, &text, &findings) == 0) {
		findings_sort(&findings, NULL);
		check(&text, &findings);
		policy_text_done(&text);
	}
	findings_done(&findings);
	ini_done(&file.ini);
	return 0;
}
