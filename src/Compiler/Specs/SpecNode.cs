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
    private const int LargestFile = 1 << 20;

    /// <summary>Reads a JSON text; comments and trailing commas are allowed.</summary>
    /// <exception cref="LorqException">LORQ0202: not JSON, with line and column.</exception>
    public static SpecNode Read(byte[] utf8, string file)
    {
        if (utf8.Length > LargestFile)
        {
            throw Catalogue.MalformedSpec.At(new SourceLocation(file), $"it has {utf8.Length} bytes; a spec has a few hundred");
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
            // The message repeats the position in its own way; its first sentence says what is wrong.
            string reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ');
            var place = new SourceLocation(file, (int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1);
            throw Catalogue.MalformedSpec.At(place, reason);
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

    /// <summary>Line and column of a byte.</summary>
    private sealed class Places(byte[] text, string file)
    {
        public SourceLocation At(long index)
        {
            ReadOnlySpan<byte> before = text.AsSpan(0, (int)Math.Min(index, text.Length));
            int line = before.Count((byte)'\n') + 1;
            int column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
            return new SourceLocation(file, line, column);
        }
    }
}
