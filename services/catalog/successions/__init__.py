"""A succession (etterfølge): that a legal person took another's place by merger (sammenslåing) or split (deling), or
went on under a new registration. What it inherits of memberships nobody has confirmed."""
