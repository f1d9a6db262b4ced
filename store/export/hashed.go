package export

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"

	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/upkeep"
)

// hashed is the shape that all hashed profiles share.
func hashed(name, what string, of func(*Target) hash.Hash) Profile {
	digest := func(e *query.Suppression, t *Target) string {
		if e.Digest != "" {
			return e.Digest
		}
		h := of(t)
		h.Write([]byte(e.Key))
		return hex.EncodeToString(h.Sum(nil))
	}
	return Profile{
		Name:     name,
		For:      "partners who compare lists without seeing the addresses",
		Shape:    "one " + what + " a line, lower-case hex, no header",
		Import:   "The partner hashes his own addresses the same way: trimmed, lower case, domain as A-label, UTF-8. A hash can be guessed from the address, so treat the file like the list itself.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "the convention of Optizmo and UnsubCentral; some partners hash the address as typed: ask first",
		Loses:    append([]string{"the address itself: nobody can read the list back"}, addressOnly...),
		form: form{
			row: bareLine, digests: true,
			name: digest, spelling: what + " of the address in lower case, domain as A-label (RFC 5890)",
			read: readLines(wholeLine),
		},
	}
}

func hashedProfile() Profile {
	return hashed("hashed", "SHA-256", func(*Target) hash.Hash { return sha256.New() })
}

func md5Profile() Profile {
	p := hashed("hashed-md5", "MD5", func(*Target) hash.Hash { return md5.New() })
	p.Import += " MD5 is there for partners who know nothing else."
	return p
}

func hmacProfile() Profile {
	p := hashed("hashed-hmac", "HMAC-SHA-256", func(t *Target) hash.Hash { return hmac.New(sha256.New, t.Key) })
	p.Import += " Both sides need the same secret key: without it nothing can be guessed."
	p.form.needs = func(t *Target) error {
		if len(t.Key) == 0 {
			return errors.New("the profile hashed-hmac needs a key: set key to a secret such as \"credential:partner\"")
		}
		return nil
	}
	return p
}

// DigestsOf names an export of forgotten addresses to the database; "" when
// its profile is not hashed.
func DigestsOf(name string, p *Profile) string {
	if !p.form.digests {
		return ""
	}
	return name + "/" + p.Name
}

// Digest is what a hashed target writes in place of an address; false for
// others.
func Digest(address string, t *Target) (upkeep.Digest, bool) {
	d := upkeep.Digest{Export: DigestsOf(t.Name, &t.Profile)}
	if d.Export == "" {
		return d, false
	}
	d.Value = t.Profile.spell(&query.Suppression{Address: address, Key: policy.Key(address)}, t)
	return d, true
}
