"""What its applicant and its assessors do with an application (steg i en søknad): submit (sende inn), ask for what is
missing (etterspørre opplysninger), answer, withdraw (trekke)."""
