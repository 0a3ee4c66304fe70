"""An attempt (forsendelsesforsøk) is one try to hand a dispatch over to SvarUT. It is written down before SvarUT is
asked, so that a letter whose attempt ended in the dark is looked for before it is sent again."""
