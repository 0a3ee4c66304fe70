"""A delegation (API-delegering): in Altinn a customer lets a supplier use the customer's access to a scope."""
