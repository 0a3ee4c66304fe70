"""A declaration (egenerklæring): a supplier's own word that its product meets a version of a requirement specification,
requirement by requirement where it says so. It is never shown as a certificate, and never changed: only withdrawn."""
