"""A document (dokument) about a product: impact assessment (DPIA), data processing agreement (databehandleravtale),
penetration test or accessibility statement. It has its own approval by someone else than whoever uploaded it, and is
seen by public bodies and its supplier only until it is approved as public."""
