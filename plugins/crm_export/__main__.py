"""`python -m crm_export`: the command line; it needs AIRFLOW_CONN_… or access to Airflow's metadata database."""

import sys

from crm_export.command_line.main import main

sys.exit(main())
