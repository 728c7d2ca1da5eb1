using System.Globalization;
using System.Text;

namespace Lorq.Generators.Manifests;

/// <summary>
/// Reads JSON as RFC 8259 has it, nothing beyond: no comments, no trailing commas, no name twice. An analyzer that brings System.Text.Json along meets
/// other versions of it in the compiler's process; a manifest needs little.
/// </summary>
internal sealed class JsonReader
{
    private const int MaxDepth = 64;
    private static readonly IReadOnlyList<JsonValue> noItems = [];
    private static readonly IReadOnlyDictionary<string, JsonValue> noMembers = new Dictionary<string, JsonValue>();

    private readonly string text;
    private int at;

    private JsonReader(string text) => this.text = text;

    /// <summary>Reads a whole text.</summary>
    /// <exception cref="JsonFault">It is not JSON.</exception>
    public static JsonValue Read(string text)
    {
        var reader = new JsonReader(text);
        if (text.Length > 0 && text[0] == '\uFEFF')
        {
            reader.at = 1;
        }
        JsonValue value = reader.Value(0);
        reader.Blank();
        return reader.at == text.Length ? value : throw reader.Fault("There is text behind its end.");
    }

    private JsonValue Value(int depth)
    {
        Blank();
        int start = at;
        if (depth > MaxDepth)
        {
            throw Fault("It is nested too deeply.");
        }
        switch (at < text.Length ? text[at] : '\0')
        {
            case '{':
                return Object(depth);
            case '[':
                return Array(depth);
            case '"':
                return Leaf(JsonKind.String, start, String());
            case 't':
                return Word("true", JsonKind.True);
            case 'f':
                return Word("false", JsonKind.False);
            case 'n':
                return Word("null", JsonKind.Null);
            default:
                return Leaf(JsonKind.Number, start, Number());
        }
    }

    private JsonValue Object(int depth)
    {
        int start = at++;
        var members = new Dictionary<string, JsonValue>(StringComparer.Ordinal);
        Blank();
        if (Skip('}'))
        {
            return new(JsonKind.Object, start, "", noItems, members);
        }
        do
        {
            Blank();
            int nameAt = at;
            string name = String();
            if (members.ContainsKey(name))
            {
                throw new JsonFault($"The member '{name}' comes twice.", nameAt);
            }
            Blank();
            Expect(':');
            members.Add(name, Value(depth + 1));
            Blank();
        } while (Skip(','));
        Expect('}');
        return new(JsonKind.Object, start, "", noItems, members);
    }

    private JsonValue Array(int depth)
    {
        int start = at++;
        var items = new List<JsonValue>();
        Blank();
        if (Skip(']'))
        {
            return new(JsonKind.Array, start, "", items, noMembers);
        }
        do
        {
            items.Add(Value(depth + 1));
            Blank();
        } while (Skip(','));
        Expect(']');
        return new(JsonKind.Array, start, "", items, noMembers);
    }

    private string String()
    {
        Expect('"');
        int start = at;
        while (at < text.Length && text[at] is not ('"' or '\\') and >= ' ')
        {
            at++;
        }
        if (Skip('"'))
        {
            return text.Substring(start, at - 1 - start); // most strings have no escapes
        }
        var content = new StringBuilder(text, start, at - start, at - start + 32);
        while (true)
        {
            char c = at < text.Length ? text[at] : throw Fault("It ends within a string.");
            if (c < ' ')
            {
                throw Fault("A string has a control character.");
            }
            at++;
            if (c == '"')
            {
                return content.ToString();
            }
            content.Append(c == '\\' ? Escape() : c);
        }
    }

    private char Escape()
    {
        char c = at < text.Length ? text[at++] : throw Fault("It ends within a string.");
        switch (c)
        {
            case '"':
            case '\\':
            case '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u'
                when at + 4 <= text.Length
                    && ushort.TryParse(
                        text.Substring(at, 4),
                        NumberStyles.AllowHexSpecifier,
                        CultureInfo.InvariantCulture,
                        out ushort code
                    ):
                at += 4;
                return (char)code;
            default:
                at--;
                throw Fault("A string has an escape that JSON does not know.");
        }
    }

    private string Number()
    {
        int start = at;
        Skip('-');
        int whole = at;
        int digits = Digits();
        bool valid = digits > 0 && (digits == 1 || text[whole] != '0');
        if (valid && Skip('.'))
        {
            valid = Digits() > 0;
        }
        if (valid && (Skip('e') || Skip('E')))
        {
            _ = Skip('+') || Skip('-');
            valid = Digits() > 0;
        }
        if (!valid)
        {
            at = start;
            throw Fault("A value is expected here.");
        }
        return text.Substring(start, at - start);
    }

    private int Digits()
    {
        int start = at;
        while (at < text.Length && text[at] is >= '0' and <= '9')
        {
            at++;
        }
        return at - start;
    }

    private JsonValue Word(string word, JsonKind kind)
    {
        int start = at;
        if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0)
        {
            throw Fault("A value is expected here.");
        }
        at += word.Length;
        return Leaf(kind, start, word);
    }

    private static JsonValue Leaf(JsonKind kind, int start, string text) => new(kind, start, text, noItems, noMembers);

    private void Blank()
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\r' or '\n')
        {
            at++;
        }
    }

    private bool Skip(char c)
    {
        bool there = at < text.Length && text[at] == c;
        at += there ? 1 : 0;
        return there;
    }

    private void Expect(char c)
    {
        if (!Skip(c))
        {
            throw Fault(at < text.Length ? $"'{c}' is expected here." : "It ends too early.");
        }
    }

    private JsonFault Fault(string message) => new(message, at);
}
