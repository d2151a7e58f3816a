"""Imports what DAG files and tasks need into every process that loads plugins.

Scheduler and workers fork a process for each task, the DAG processor one for each DAG file. What they have imported,
these processes need not import again, which is most of their CPU time (docs/performance.md, "Tasks of Airflow").
A module of its own, so that the page is there even if one of these imports fails.
"""

import airflow.providers.salesforce.hooks.salesforce
import simple_salesforce

import crm_export.alerts.operator
import crm_export.operators.dag_layout
import crm_export.operators.export
import crm_export.operators.gate
import crm_export.operators.preparation
import crm_export.operators.reconcile
import crm_export.operators.retention
