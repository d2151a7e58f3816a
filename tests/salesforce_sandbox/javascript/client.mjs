// Runs jsforce against a sandbox: node client.mjs WAY URL; prints the answer as one line of JSON.
import jsforce from 'jsforce';

const [way, url, token] = process.argv.slice(2);
const { Connection } = jsforce;

const WAYS = {
  async soap() {
    const connection = new Connection({ loginUrl: url, version: '59.0' });
    await connection.login('integration@tests.example', 'sandbox-onlytoken');
    return connection;
  },
  async clientCredentials() {
    const oauth2 = { loginUrl: url, clientId: 'sandbox-key', clientSecret: 'sandbox-secret' };
    const connection = new Connection({ oauth2, instanceUrl: url, version: '59.0' });
    await connection.authorize({ grant_type: 'client_credentials' });
    return connection;
  },
  async token() {
    return new Connection({ instanceUrl: url, accessToken: token, version: '59.0' });
  },
};

async function work(connection) {
  const identity = await connection.identity();
  const description = await connection.sobject('Account').describe();
  const all = await connection.query('SELECT Id, Name FROM Account', { autoFetch: true, maxFetch: 5000 });
  const one = await connection.sobject('Account').upsert({ Ext__c: 'one', Name: 'created' }, 'Ext__c');
  const again = await connection.sobject('Account').upsert({ Ext__c: 'one', Name: 'updated' }, 'Ext__c');
  const many = await connection
    .sobject('Account')
    .upsert([{ Ext__c: 'a', Name: 'a' }, { Ext__c: 'b', Name: 'bad' }, { Ext__c: 'c', Name: 'c' }], 'Ext__c');
  const deleted = await connection.sobject('Account').destroy(one.id ?? again.id);
  connection.bulk2.pollInterval = 50;
  connection.bulk2.pollTimeout = 20000;
  const bulk = await connection.bulk2.loadAndWaitForResults({
    object: 'Account',
    operation: 'upsert',
    externalIdFieldName: 'Ext__c',
    input: [{ Ext__c: 'x', Name: 'x' }, { Ext__c: 'y', Name: 'bad' }, { Ext__c: 'z', Name: null }],
  });
  return { identity, description, all, one, again, many, deleted, bulk };
}

const done = await work(await WAYS[way]());
console.log(
  JSON.stringify({
    user: done.identity.username,
    fields: done.description.fields.length,
    found: done.all.records.length,
    one: done.one,
    again: done.again,
    many: done.many,
    deleted: done.deleted.success,
    successful: done.bulk.successfulResults,
    failed: done.bulk.failedResults,
    unprocessed: done.bulk.unprocessedRecords,
  }),
);
