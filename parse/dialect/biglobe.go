package dialect

// Biglobe and its sister providers in Japan.
func (layouts) Biglobe() Dialect {
	return Dialect{
		Name:  "biglobe",
		Marks: []Mark{{"----- the following addresses had delivery problems -----", "----- non-delivered information -----"}},
		Read: form{
			List:  []string{"----- the following addresses had delivery problems -----"},
			Reply: []string{"----- non-delivered information -----"},
			Final: true,
		}.read,
	}
}
