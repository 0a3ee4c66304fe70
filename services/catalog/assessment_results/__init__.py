"""What an assessment finds about one requirement (resultat per krav). Nothing is overwritten; the newest counts."""
