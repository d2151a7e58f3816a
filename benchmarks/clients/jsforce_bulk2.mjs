// jsforce's bulk2.loadAndWaitForResults, from a stream of CSV or from records: node jsforce_bulk2.mjs JSON
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const asked = JSON.parse(process.argv[2]);
const jsforce = createRequire(asked.modules)('jsforce');

function report(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

const now = () => Number(process.hrtime.bigint()) / 1e9;

function reportReady() {
  const used = process.cpuUsage();
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'ascii'))[1];
  report({ ready: now(), cpu: (used.user + used.system) / 1e6, mb: (Number(peak) * 1.024) / 1000 });
}

async function readRecords(lines) {
  const records = [];
  for await (const line of createInterface({ input: lines })) {
    records.push(JSON.parse(line.replaceAll('\\\\', '\\')));
  }
  return records;
}

async function send(connection, input) {
  const job = connection.bulk2.createJob({ object: 'Row__c', operation: 'upsert', externalIdFieldName: 'Key__c' });
  await job.open();
  await job.uploadData(input);
  await job.close();
  await job.poll(100, 600000);
  const failed = await job.getFailedResults();
  const unprocessed = await job.getUnprocessedRecords();
  const { numberRecordsProcessed, numberRecordsFailed } = job.getInfo();
  return { accepted: numberRecordsProcessed - numberRecordsFailed, failed: failed.length, rest: unprocessed.length };
}

reportReady();
const psql = spawn(asked.psql, ['--no-psqlrc', '-qAt', asked.dsn, '-c', "set timezone = 'UTC'", '-c', asked.copy]);
psql.stderr.pipe(process.stderr);
const ended = once(psql, 'close');
const oauth2 = { loginUrl: asked.url, clientId: 'sandbox-key', clientSecret: 'sandbox-secret' };
const connection = new jsforce.Connection({ oauth2, instanceUrl: asked.url, version: '59.0' });
await connection.authorize({ grant_type: 'client_credentials' });
const input = asked.from === 'csv' ? psql.stdout : await readRecords(psql.stdout);
const sent = await send(connection, input);
const [status] = await ended;
report({ ...sent, psql: status, done: now() });
