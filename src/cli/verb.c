// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"

const struct verb *const verbs[] = {
	&verb_list,
	&verb_tree,
	&verb_show,
	&verb_groups,
	&verb_why,
	&verb_health,
	&verb_doctor,
	&verb_config_check,
	&verb_config_show,
	&verb_config_cat,
	&verb_config_pools,
	&verb_config_accept,
	&verb_monitor,
	&verb_capture,
	&verb_import,
	&verb_plan,
	&verb_apply,
	&verb_create,
	&verb_destroy,
	&verb_set,
	&verb_bind,
	&verb_unbind,
	&verb_restore,
	&verb_undo,
	&verb_history,
	&verb_reset,
	&verb_recover,
	&verb_assign,
	&verb_release,
	&verb_leases,
	&verb_test,
	&verb_export,
	&verb_libvirt_define_network,
	&verb_libvirt_undefine_network,
	&verb_libvirt_attach,
	&verb_vm_run,
	&verb_vm_list,
	&verb_vm_attach,
	&verb_vm_detach,
	&verb_vm_set,
	&verb_vm_stop,
	&verb_vm_stats,
	&verb_vm_explain,
	&verb_vm_top,
	&verb_bench_io,
	&verb_help,
};
const size_t n_verbs = ARRAY_SIZE(verbs);

const struct option global_options[] = {
	{ 0, "root", TAKES_VALUE, "DIR|TAR", "look at a captured machine", "<file>" },
	{ 0, "json", TAKES_MAYBE, "pretty|short", "print JSON", "pretty short" },
	{ 0, "no-legend", TAKES_NOTHING, NULL, "no header line above tables", NULL },
	{ 0, "color", TAKES_MAYBE, "auto|always|never", "colours; auto: only on a terminal",
		"auto always never" },
	{ 0, "dry-run", TAKES_NOTHING, NULL, "say what would be done, do nothing", NULL },
	{ 0, "direct", TAKES_NOTHING, NULL, "act in this process, not through a daemon", NULL },
	{ 0, "pci-ids", TAKES_VALUE, "FILE", "take names from this pci.ids", "<file>" },
	{ 'v', "verbose", TAKES_NOTHING, NULL, "say more, also when not on a terminal", NULL },
	{ 'h', "help", TAKES_NOTHING, NULL, "help on vfctl or on the verb", NULL },
	{ 0, "version", TAKES_NOTHING, NULL, "print the version", NULL },
};
const size_t n_global_options = ARRAY_SIZE(global_options);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < n_verbs; i++)
		if (str_eq(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

const struct verb *verb_in_family(const char *word, size_t i)
{
	size_t n = strlen(word);

	for (size_t k = 0; k < n_verbs; k++)
		if (str_starts(verbs[k]->name, word) && verbs[k]->name[n] == ' ' && i-- == 0)
			return verbs[k];
	return NULL;
}

const char *verb_family_summary(const char *word)
{
	if (str_eq(word, "bench"))
		return "measurements";
	if (str_eq(word, "config"))
		return "what is configured, and whether it is right";
	if (str_eq(word, "libvirt"))
		return "networks and guests of libvirt's";
	if (str_eq(word, "vm"))
		return "guests under the bundled VMM";
	return verb_in_family(word, 0)->summary;
}

bool verb_takes_columns(const struct verb *v)
{
	for (size_t i = 0; v->columns && i < v->n_options; i++)
		if (str_eq(v->options[i].name, "columns"))
			return true;
	return false;
}

const char *verb_section_title(enum verb_section s)
{
	static const char *const titles[] = {
		[VERB_LOOK] = "Look",
		[VERB_ACT] = "Act",
		[VERB_HAND_OVER] = "Hand over",
		[VERB_HELP] = "Help",
	};

	return titles[s];
}
