"""`python -m crm_export`: the command line, where AIRFLOW_CONN_… or Airflow's metadata database is reached."""

import sys

from crm_export.command_line.main import main

sys.exit(main())
