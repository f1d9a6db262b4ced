package dialect

import "harvester/parse/bounce"

// Mlmmj is a list server. A denied post is a refusal of the list's address,
// which stands in its first sentence.
func (layouts) Mlmmj() Dialect {
	const managing = "this is the mlmmj program managing the"
	return Dialect{
		Name:  "mlmmj",
		Marks: []Mark{{managing, "the denied message is below"}, {managing, "was unable to be delivered to the list"}},
		Read:  always(form{Sentence: []string{managing}, Reply: []string{"the message from"}, Final: true}.read, bounce.RecipientRestricted),
	}
}
