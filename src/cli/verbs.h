/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One verb, one file: verb-<name>.c. A new verb is a line here and one in verb.c. */
#pragma once

#include "cli.h"

extern const struct verb verb_list;
extern const struct verb verb_tree;
extern const struct verb verb_show;
extern const struct verb verb_groups;
extern const struct verb verb_why;
extern const struct verb verb_health;
extern const struct verb verb_doctor;
extern const struct verb verb_config_check;
extern const struct verb verb_config_show;
extern const struct verb verb_config_cat;
extern const struct verb verb_config_pools;
extern const struct verb verb_config_accept;
extern const struct verb verb_monitor;
extern const struct verb verb_capture;
extern const struct verb verb_import;
extern const struct verb verb_plan;
extern const struct verb verb_apply;
extern const struct verb verb_create;
extern const struct verb verb_destroy;
extern const struct verb verb_set;
extern const struct verb verb_bind;
extern const struct verb verb_unbind;
extern const struct verb verb_restore;
extern const struct verb verb_undo;
extern const struct verb verb_history;
extern const struct verb verb_reset;
extern const struct verb verb_recover;
extern const struct verb verb_assign;
extern const struct verb verb_release;
extern const struct verb verb_leases;
extern const struct verb verb_test;
extern const struct verb verb_export;
extern const struct verb verb_libvirt_define_network;
extern const struct verb verb_libvirt_undefine_network;
extern const struct verb verb_libvirt_attach;
extern const struct verb verb_vm_run;
extern const struct verb verb_vm_list;
extern const struct verb verb_vm_attach;
extern const struct verb verb_vm_detach;
extern const struct verb verb_vm_set;
extern const struct verb verb_vm_stop;
extern const struct verb verb_vm_stats;
extern const struct verb verb_vm_explain;
extern const struct verb verb_vm_top;
extern const struct verb verb_bench_io;
extern const struct verb verb_help;
