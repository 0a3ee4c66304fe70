"""An adopter (den som har tatt i bruk): an organisation that uses a component or a product on a day; each is counted
once, through mergers, splits and co-operations. Who and how many they are is for public bodies."""
