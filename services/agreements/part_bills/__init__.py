"""A part bill (delfaktura): what each paying municipality owes of what has been posted of a joint call-off so far."""
