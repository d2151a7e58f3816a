"""A lean stand-in for Salesforce, where the sandbox would be the bottleneck."""
