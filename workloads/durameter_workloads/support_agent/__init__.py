"""The reference agent: a support agent, one specification, one implementation per engine and variant."""
