"""The sample domain: Northwind Cloud (fictional), a marketing-attribution warehouse and the org it exports to."""
