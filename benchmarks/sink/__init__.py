"""A minimal stand-in for Salesforce, for measurements in which the sandbox would be the bottleneck."""
