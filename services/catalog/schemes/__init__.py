"""A certification scheme (sertifiseringsordning): the rules that hold for everything of one kind that is certified,
products, suppliers or advisers. They are data, since they are agreed on and change: deadlines (frister), how long a
certificate lasts, how long a test counts."""
