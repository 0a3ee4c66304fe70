"""An award key (fordelingsnøkkel): the announced rule by which a call-off finds its supplier. The method follows from
the value and the lot's bands, the supplier from the method; what both rested on is frozen, and can be tried again."""
