using System.Text;
using System.Text.Json;
using Lorq.Diagnostics;

namespace Lorq.Specs;

/// <summary>A JSON value with its place in the file.</summary>
/// <param name="Kind">Object, array, string, number, true, false or null.</param>
/// <param name="Text">A string's or number's text.</param>
/// <param name="Items">An array's elements or an object's values, in order.</param>
/// <param name="Keys">An object's keys with their places, parallel to <paramref name="Items"/>.</param>
/// <param name="Place">Line and column, from 1.</param>
internal sealed record SpecNode(
    JsonValueKind Kind,
    string Text,
    IReadOnlyList<SpecNode> Items,
    IReadOnlyList<(string Name, SourceLocation Place)> Keys,
    SourceLocation Place
)
{
    private const int LongestShown = 60;

    /// <summary>Bytes of the largest spec that is read; one written by hand has a few hundred.</summary>
    internal const int LargestFile = 1 << 20;

    /// <summary>The value as errors show it: texts and numbers as they stand, of others only what they are.</summary>
    public string Shown =>
        Kind switch
        {
            JsonValueKind.String => $"\"{Excerpt(Text)}\"",
            JsonValueKind.Number => Excerpt(Text),
            JsonValueKind.Object or JsonValueKind.Array => "an " + Kind.ToString().ToLowerInvariant(),
            _ => Kind.ToString().ToLowerInvariant(),
        };

    /// <summary>The start of a text that may be longer than anyone reads.</summary>
    public static string Excerpt(string text) => text.Length <= LongestShown ? text : text[..LongestShown] + "…";

    /// <summary>Reads a JSON text; comments and trailing commas are allowed.</summary>
    /// <exception cref="LorqException">LORQ0202: not JSON, with line and column.</exception>
    public static SpecNode Read(byte[] utf8, string file)
    {
        if (utf8.Length > LargestFile)
        {
            throw Catalogue.MalformedSpec.At(new SourceLocation(file), $"it has more than {LargestFile} bytes; a spec has a few hundred");
        }
        ReadOnlySpan<byte> bom = [0xEF, 0xBB, 0xBF];
        byte[] text = utf8.AsSpan().StartsWith(bom) ? utf8[3..] : utf8;
        var places = new Places(text, file);
        var reader = new Utf8JsonReader(
            text,
            new JsonReaderOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                MaxDepth = 32,
            }
        );
        try
        {
            reader.Read();
            SpecNode root = Value(ref reader, places);
            while (reader.Read()) { }
            return root;
        }
        catch (JsonException e)
        {
            // The message repeats the position in its own way, after what is wrong.
            string reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ');
            throw Catalogue.MalformedSpec.At(
                places.InLine((int)(e.LineNumber ?? 0), (int)(e.BytePositionInLine ?? 0)),
                reason.Contains("does not contain any JSON tokens", StringComparison.Ordinal) ? "it is empty" : reason
            );
        }
        catch (InvalidOperationException e)
        {
            // Strings that are not UTF-8.
            throw Catalogue.MalformedSpec.At(places.At(reader.TokenStartIndex), e.Message.TrimEnd('.'));
        }
    }

    private static SpecNode Value(ref Utf8JsonReader reader, Places places)
    {
        SourceLocation place = places.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var keys = new List<(string, SourceLocation)>();
                var values = new List<SpecNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    keys.Add((reader.GetString()!, places.At(reader.TokenStartIndex)));
                    reader.Read();
                    values.Add(Value(ref reader, places));
                }
                return new SpecNode(JsonValueKind.Object, "", values, keys, place);
            case JsonTokenType.StartArray:
                var items = new List<SpecNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Value(ref reader, places));
                }
                return new SpecNode(JsonValueKind.Array, "", items, [], place);
            case JsonTokenType.String:
                return new SpecNode(JsonValueKind.String, reader.GetString()!, [], [], place);
            case JsonTokenType.Number:
                return new SpecNode(JsonValueKind.Number, Encoding.UTF8.GetString(reader.ValueSpan), [], [], place);
            case JsonTokenType.True:
                return new SpecNode(JsonValueKind.True, "", [], [], place);
            case JsonTokenType.False:
                return new SpecNode(JsonValueKind.False, "", [], [], place);
            default:
                return new SpecNode(JsonValueKind.Null, "", [], [], place);
        }
    }

    /// <summary>
    /// Lines and columns of bytes. Tokens come in the order of the text, so it goes on from the last one asked for: a file is
    /// gone through once, however many tokens it has.
    /// </summary>
    private sealed class Places(byte[] text, string file)
    {
        private int position;
        private int line = 1;
        private int column = 1;

        /// <summary>The place of a byte that is not before the last one asked for.</summary>
        public SourceLocation At(long index)
        {
            ReadOnlySpan<byte> passed = text.AsSpan(position, (int)Math.Min(index, text.Length) - position);
            position += passed.Length;
            int lines = passed.Count((byte)'\n');
            if (lines > 0)
            {
                line += lines;
                column = 1;
                passed = passed[(passed.LastIndexOf((byte)'\n') + 1)..];
            }
            column += Encoding.UTF8.GetCharCount(passed);
            return new SourceLocation(file, line, column);
        }

        /// <summary>The place of a byte of a line, both counted from 0.</summary>
        public SourceLocation InLine(int index, int bytes)
        {
            ReadOnlySpan<byte> rest = text;
            for (int i = 0; i < index; i++)
            {
                rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
            }
            return new SourceLocation(file, index + 1, Encoding.UTF8.GetCharCount(rest[..Math.Min(bytes, rest.Length)]) + 1);
        }
    }
}
