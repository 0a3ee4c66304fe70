"""An enterprise certificate (virksomhetssertifikat) proves which organisation a client is; the sandbox has an authority
of its own that issues them, as Buypass and Commfides do."""
