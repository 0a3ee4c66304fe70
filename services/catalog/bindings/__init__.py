"""A binding (forpliktelse): how strongly a standard holds for the state or for the municipalities, in one area, from
when to when, and by which law (hjemmel). The regulation on IT standards binds both; a circular only advises
municipalities."""
