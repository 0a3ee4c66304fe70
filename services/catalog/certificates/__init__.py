"""A certificate (sertifikat): proof that a product meets a version of a requirement specification, decided by
someone else than its supplier, with evidence for each requirement. What happens to it afterwards (suspensjon,
gjenoppretting, tilbaketrekking) is only ever added, so that its status on any past day can be asked for."""
