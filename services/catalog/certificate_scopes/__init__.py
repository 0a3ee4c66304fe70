"""The scope of a certificate (omfang): which versions and delivery forms of a product it covers, for how long. No two
certificates of the same subject and requirements cover the same."""
