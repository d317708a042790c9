// SPDX-License-Identifier: GPL-2.0-or-later
/* The manual's sections that come from tables, as scdoc source. */
#include "help.h"
#include "manual.h"
#include "base/counter.h"
#include "base/str.h"
#include "cause/cause.h"
#include "check/check.h"
#include "conf/conf.h"
#include "cost/path.h"
#include "health/health.h"
#include "policy/key.h"
#include "netdev/vfattr.h"
#include "select/attribute.h"

/* Characters that scdoc would take for markup are escaped: some everywhere, some at line starts. */
void manual_text(FILE *to, const char *s)
{
	bool starts = true;

	for (; *s; s++) {
		if (strchr("\\_*[]<>#|", *s) || (starts && strchr("-.;", *s)))
			fputc('\\', to);
		fputc(*s, to);
		starts = *s == '\n';
	}
}

void manual_option(FILE *to, const struct option *o)
{
	if (!o->help)
		return;
	if (o->letter)
		fprintf(to, "*-%c*, ", o->letter);
	fputs("*--", to);
	manual_text(to, o->name);
	fputc('*', to);
	if (o->takes != TAKES_NOTHING) {
		fputs(o->takes == TAKES_MAYBE ? "[=" : " ", to);
		manual_text(to, o->value);
		fputs(o->takes == TAKES_MAYBE ? "]" : "", to);
	}
	fputs("\n\t", to);
	manual_text(to, o->help);
	fputs("\n\n", to);
}

static void manual_options(FILE *to)
{
	for (size_t i = 0; i < n_global_options; i++)
		manual_option(to, &global_options[i]);
}

static void manual_attributes(FILE *to)
{
	for (unsigned i = 0; attribute_key(i); i++) {
		fprintf(to, "*%s=*\n\t", attribute_key(i));
		manual_text(to, attribute_help(i));
		fputs("\n\n", to);
	}
}

static void manual_vf_attributes(FILE *to)
{
	const struct vfattr *a;

	for (unsigned i = 0; (a = vfattr_at(i)); i++) {
		fprintf(to, "*%s=*\n\t", vfattr_name(a));
		manual_text(to, vfattr_help(a));
		fputs("\n\n", to);
	}
	fputs("*vq=*, *vi=*\n\tqueues and interrupt vectors of an NVMe VF\n\n"
	      "*online=*\n\twhether an NVMe VF's controller works: yes or no\n\n",
		to);
}

/* In the order in which they decide. */
static void manual_checks(FILE *to)
{
	for (size_t i = 0; i < n_checks; i++) {
		fprintf(to, "*%s* (%s): ", checks[i].name,
			checks[i].scope == CHECK_FUNCTION ? "why"
			: checks[i].scope == CHECK_HOST	  ? "doctor"
							  : "why, doctor");
		manual_text(to, checks[i].title);
		fputs("\n\t", to);
		manual_text(to, checks[i].explain);
		fputs("\n\n", to);
	}
}

static void manual_health(FILE *to)
{
	for (size_t i = 0; i < n_health_signs; i++) {
		fprintf(to, "*%s*\n\t", health_signs[i].name);
		manual_text(to, health_signs[i].explain);
		fputs("\n\n", to);
	}
}

static void put_cause(FILE *to, const struct cause_row *r)
{
	fprintf(to, "*%s*: ", strerrorname_np(r->code));
	manual_text(to, r->cause);
	if (r->advice) {
		fputs(" -> ", to);
		manual_text(to, r->advice);
	}
}

static void manual_causes(FILE *to)
{
	const struct cause_row *r;

	for (enum cause_action a = 0; a < CAUSE_ACTIONS; a++) {
		bool any = false;

		for (size_t i = 0; (r = cause_row_at(i)); i++) {
			if (r->action != a)
				continue;
			if (any)
				fputs("++\n\t", to);
			else
				fprintf(to, "_%s_\n\t", cause_action_words(a));
			put_cause(to, r);
			any = true;
		}
		fputs(any ? "\n\n" : "", to);
	}
}

static void put_key(FILE *to, const struct policy_key *k)
{
	fprintf(to, "*%s=*", k->name);
	if (k->also)
		fprintf(to, ", *%s=*", k->also);
	fputs("\n\t", to);
	manual_text(to, k->takes);
	if (k->stable)
		fputs("; or *stable*", to);
	if (k->setting) {
		fputs(". The same as *", to);
		manual_text(to, k->setting->name);
		fputs("=* of *vfctl set*", to);
	}
	fputs("\n\n", to);
}

static void manual_config(FILE *to, enum policy_section section)
{
	autopolicykeys keys = { 0 };

	if (policy_keys_make(&keys) < 0)
		return;
	for (size_t i = 0; i < keys.n; i++)
		if (keys.v[i].section == section)
			put_key(to, &keys.v[i]);
}

static void manual_config_match(FILE *to)
{
	manual_config(to, POLICY_MATCH);
}

static void manual_config_pf(FILE *to)
{
	manual_config(to, POLICY_PF);
}

static void manual_config_vf(FILE *to)
{
	manual_config(to, POLICY_VF);
}

static void manual_conf(FILE *to)
{
	for (size_t i = 0; i < n_conf_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (!i || !str_eq(k->section, k[-1].section))
			fprintf(to, "## [%s]\n\n", k->section);
		fprintf(to, "*%s=*\n\t", k->name);
		manual_text(to, k->takes);
		fputs("; unless given: ", to);
		manual_text(to, k->unset);
		fputs(". ", to);
		manual_text(to, k->help);
		fputs("\n\n", to);
	}
}

static void manual_exit_status(FILE *to)
{
	fputs("*0*\n\tdone, or already so\n\n", to);
	for (int code = 1; code < 256; code++) {
		bool any = false;

		for (enum problem_kind k = 0; k < PROBLEM_KINDS; k++) {
			if (problem_kind_exit_code(k) != code)
				continue;
			fputs(any ? ";++\n\t" : "", to);
			if (!any)
				fprintf(to, "*%d*\n\t", code);
			fprintf(to, "*%s*: ", problem_kind_name(k));
			manual_text(to, problem_kind_meaning(k));
			any = true;
		}
		fputs(any ? "\n\n" : "", to);
	}
}

static void manual_paths(FILE *to)
{
	for (size_t i = 0; i < n_cost_paths; i++) {
		const struct cost_path *p = &cost_paths[i];

		fprintf(to, "*%u*\n\t", p->number);
		manual_text(to, p->what);
		fputs("++\n\ta request costs ", to);
		manual_text(to, p->request);
		fputs("; the work does ", to);
		manual_text(to, p->work);
		fputs("; a completion costs ", to);
		manual_text(to, p->completion);
		fputs("\n\n", to);
	}
}

static void manual_counters(FILE *to)
{
	for (size_t i = 0; i < n_counters; i++) {
		const struct counter *c = &counters[i];

		if (!i || c->of != c[-1].of)
			fprintf(to, "%sOf a %s:\n\n", i ? "\n" : "", counter_of_name(c->of));
		fputs("*", to);
		manual_text(to, c->name);
		fputs("*\n\t", to);
		if (c->unit == COUNTER_BYTES)
			fputs("bytes ", to);
		manual_text(to, c->what);
		fputs("\n\n", to);
	}
}

bool help_manual(FILE *to, const char *section)
{
	static const struct {
		const char *name;
		void (*print)(FILE *to);
	} sections[] = {
		{ "options", manual_options },
		{ "verbs", manual_overview },
		{ "aliases", manual_aliases },
		{ "attributes", manual_attributes },
		{ "vf-attributes", manual_vf_attributes },
		{ "checks", manual_checks },
		{ "health", manual_health },
		{ "causes", manual_causes },
		{ "exit-status", manual_exit_status },
		{ "bench-paths", manual_bench_paths },
		{ "bench-work", manual_bench_work },
		{ "bench-programs", manual_bench_programs },
		{ "bench-figures", manual_bench_figures },
		{ "conf", manual_conf },
		{ "paths", manual_paths },
		{ "counters", manual_counters },
		{ "config-match", manual_config_match },
		{ "config-pf", manual_config_pf },
		{ "config-vf", manual_config_vf },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (str_eq(sections[i].name, section)) {
			sections[i].print(to);
			return true;
		}
	return str_starts(section, "verbs-") && manual_page(to, section + strlen("verbs-"));
}
