"""The steps of an appeal (klagebehandling): heard or dismissed, stayed meanwhile, decided for or against the appellant,
or withdrawn."""
