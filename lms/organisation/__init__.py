"""Units of the province: agencies and Party organisations, as dated trees."""
