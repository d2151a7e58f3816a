"""A Salesforce that runs on a laptop, for tests and demonstrations of Salesforce clients."""
