/* A security label provider for tests: it takes every label, but "secret" from superusers only. */
#include "postgres.h"

#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"

PG_MODULE_MAGIC;

void _PG_init(void);

static void
check_label(const ObjectAddress *object, const char *label)
{
	if (label != NULL && strcmp(label, "secret") == 0 && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers may label anything secret")));
}

void
_PG_init(void)
{
	register_label_provider("uuidmig_test", check_label);
}
