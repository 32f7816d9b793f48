package canonical_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caseledger/caseledger/schemas/canonical"
)

type inner struct {
	Beta  string `json:"beta"`
	Alpha int    `json:"alpha,omitempty"`
}

type base struct {
	ID     string `json:"id"`
	Hidden string `json:"shadowed"`
}

type colour string

type mark struct{ n int }

func (m mark) MarshalText() ([]byte, error) { return []byte(strings.Repeat("x", m.n)), nil }
func (m *mark) UnmarshalText(b []byte) error {
	m.n = len(b)
	return nil
}

type whole struct {
	base
	Shadow  string            `json:"shadowed,omitempty"`
	Inner   inner             `json:"inner"`
	Pointer *inner            `json:"pointer"`
	Maybe   *inner            `json:"maybe,omitempty"`
	List    []string          `json:"list"`
	Pair    [2]uint16         `json:"pair"`
	Map     map[colour]int64  `json:"map"`
	Bytes   []byte            `json:"bytes"`
	Raw     json.RawMessage   `json:"raw"`
	Mark    mark              `json:"mark"`
	When    time.Time         `json:"when,omitzero"`
	Any     any               `json:"any"`
	Yes     bool              `json:"yes"`
	Skipped string            `json:"-"`
	Plain   map[string]string `json:",omitempty"`
	private string
}

func TestMarshal(t *testing.T) {
	big := int64(canonical.MaxInteger)
	tests := map[string]struct {
		in   any
		want string
	}{
		"nil":            {nil, `null`},
		"nil pointer":    {(*whole)(nil), `null`},
		"escapes":        {"\u20ac$\u000f\nA'B\"\\\\\"/", `"€$\u000f\nA'B\"\\\\\"/"`},
		"all short":      {"\b\t\n\f\r\x00\x1f\x7f", `"\b\t\n\f\r\u0000\u001f` + "\x7f" + `"`},
		"not escaped":    {"\u2028\u2029<>&", "\"\u2028\u2029<>&\""},
		"largest":        {big, `9007199254740991`},
		"smallest":       {-big, `-9007199254740991`},
		"number":         {json.Number("-12"), `-12`},
		"pointer to any": {new(any), `null`},
		"map keys by UTF-16": {map[string]any{
			"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
			"\U0001f600": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
		}, `{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","ö":"Latin Small Letter O With Diaeresis",` +
			`"€":"Euro Sign","😀":"Emoji: Grinning Face","` + "\ufb33" + `":"Hebrew Letter Dalet With Dagesh"}`},
		"empty struct": {whole{}, `{"any":null,"bytes":"","id":"","inner":{"beta":""},"list":[],"map":{},"mark":"",` +
			`"pair":[0,0],"pointer":null,"raw":null,"yes":false}`},
		"full struct": {whole{
			base: base{ID: "7", Hidden: "no"}, Shadow: "outer", Inner: inner{"b", 2}, Pointer: &inner{}, Maybe: &inner{},
			List: []string{"", "é"}, Pair: [2]uint16{1, 2}, Map: map[colour]int64{"red": 1, "blue": 2},
			Bytes: []byte{0xfb, 0xff}, Raw: json.RawMessage(`{"a":[1,true,null]}`), Mark: mark{2},
			When: time.Date(2016, 11, 18, 0, 0, 0, 0, time.UTC), Any: []any{int8(1), "x", nil}, Yes: true,
			Skipped: "s", Plain: map[string]string{"k": "v"}, private: "p",
		}, `{"Plain":{"k":"v"},"any":[1,"x",null],"bytes":"+/8=","id":"7","inner":{"alpha":2,"beta":"b"},"list":["","é"],` +
			`"map":{"blue":2,"red":1},"mark":"xx","maybe":{"beta":""},"pair":[1,2],"pointer":{"beta":""},` +
			`"raw":{"a":[1,true,null]},"shadowed":"outer","when":"2016-11-18T00:00:00Z","yes":true}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := canonical.Marshal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Fatalf("got\n%s\nwant\n%s", got, tt.want)
			}
			v, err := canonical.Value(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := canonical.Marshal(v); err != nil || string(again) != tt.want {
				t.Fatalf("Value encodes as\n%s\n%v", again, err)
			}
		})
	}
}
