"""An adoption (ibruktaking): an organisation uses a component or a product, in production, for testing or for
training, from planned (planlagt) to ended (avsluttet). What others say it uses is claimed (påstått) until it confirms
(bekrefter) or disputes (bestrider) it. Only public bodies see it."""
