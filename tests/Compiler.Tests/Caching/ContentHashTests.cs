using System.Runtime.InteropServices;
using CsCheck;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Caching;

public class ContentHashTests
{
    [Fact]
    public void NothingCollidesByConcatenationOrType()
    {
        Digest[] digests =
        [
            Hash(),
            Hash(""),
            Hash("", ""),
            Hash("ab", "c"),
            Hash("a", "bc"),
            Hash("abc"),
            Hash("a", "b", "c"),
            Hash("abc", ""),
            Hash("\0"),
            new ContentHash().Add(["ab", "c"]).Finish(),
            new ContentHash().Add(["a", "bc"]).Finish(),
            new ContentHash().Add(["a"]).Add("bc").Finish(),
            new ContentHash().Add(1L).Finish(),
            new ContentHash().Add(1.0).Finish(),
            new ContentHash().Add(0.0).Finish(),
            new ContentHash().Add(-0.0).Finish(),
            new ContentHash().Add(BitConverter.DoubleToInt64Bits(1.0)).Finish(),
            new ContentHash().Add([1, 2, 3, 4]).Finish(),
            new ContentHash().Add([1, 2]).Add([3, 4]).Finish(),
            new ContentHash().Add(new byte[8]).Finish(),
            new ContentHash().Add(new float[2]).Finish(),
            new ContentHash().Add(new float[4]).Finish(),
            new ContentHash().Add(new double[2]).Finish(),
            new ContentHash().Add(new Digest(1)).Finish(),
            new ContentHash().Add(new Digest((UInt128)1 << 64)).Finish(),
        ];
        Assert.Equal(digests.Length, digests.Distinct().Count());
    }

    /// <summary>Two lists of texts have the same digest only when they are the same list, however they are cut.</summary>
    [Fact]
    public void CutsOfTheSameTextDiffer() =>
        Gen.Select(Gen.String[Gen.Char['a', 'b'], 1, 12], Gen.Int[0, 12], Gen.Int[0, 12])
            .Sample(
                (text, a, b) =>
                {
                    (a, b) = (Math.Min(a, text.Length), Math.Min(b, text.Length));
                    Digest first = Hash(text[..a], text[a..]);
                    Digest second = Hash(text[..b], text[b..]);
                    return first == second == (a == b);
                }
            );

    [Fact]
    public void TextFormsReadBackAndNoOtherDoes()
    {
        Digest digest = Hash("x");
        Assert.True(Digest.TryParse(digest.ToString(), out Digest back));
        Assert.Equal(digest, back);
        string text = digest.ToString();
        foreach (
            string other in new[] { "", "0x", text[1..], "0" + text, text.ToUpperInvariant() + " ", " " + text[1..], new string('A', 32) }
        )
        {
            Assert.False(Digest.TryParse(other, out _), other);
        }
        CacheKey key = Folders.Key(3);
        Assert.True(CacheKey.TryParse(key.FileName, out CacheKey parsed));
        Assert.Equal(key, parsed);
        foreach (string other in new[] { "profile.json", ".lock", "-" + text + ".entry", key.FileName + "x", "Codes" + key.FileName[5..] })
        {
            Assert.False(CacheKey.TryParse(other, out _), other);
        }
        foreach (string kind in new[] { "", "seventeenletterss", "Upper", "a-b", "a/b", "..", "é" })
        {
            Assert.Throws<ArgumentException>(() => new CacheKey(kind, digest));
        }
    }

    [Fact]
    public void AModelIsItsBytesAndThoseOfItsExternalData()
    {
        using var folder = new TemporaryFolder();
        var small = new SmallModel(17).Input("x", DataType.Float, -1, 64).Weight("w", 64, 64).Node("MatMul", "x,w", "y").Output("y");
        using OnnxModel inline = small.Load(folder.Path);
        inline.Save(folder.File("external.onnx"), new SaveOptions(ExternalDataMode.External));
        Directory.CreateDirectory(folder.File("copy"));
        foreach (string name in new[] { "external.onnx", "external.onnx.data" })
        {
            File.Copy(folder.File(name), Path.Combine(folder.File("copy"), name));
        }
        Digest external = OfFile(folder.File("external.onnx"));
        Assert.NotEqual(ContentHash.OfModel(inline), external);
        string copy = Path.Combine(folder.File("copy"), "external.onnx");
        Assert.Equal(external, OfFile(copy));
        using (FileStream data = File.OpenWrite(copy + ".data"))
        {
            data.Position = data.Length - 1;
            data.WriteByte(0x55);
        }
        Assert.NotEqual(external, OfFile(copy));
        Assert.Throws<OperationCanceledException>(() => ContentHash.OfModel(inline, new CancellationToken(true)));
    }

    [Fact]
    public void DataIsNamesTypesShapesAndBytesInTheOrderOfBatches()
    {
        DataSet data = Data(("a", [2, 2], 1), ("b", [4], 2));
        Digest digest = ContentHash.OfData(data);
        Assert.Equal(digest, ContentHash.OfData(Data(("b", [4], 2), ("a", [2, 2], 1)) with { Source = "elsewhere" }));
        DataSet[] others =
        [
            Data(("c", [2, 2], 1), ("b", [4], 2)),
            Data(("a", [4], 1), ("b", [4], 2)),
            Data(("a", [2, 2], 1), ("b", [4], 3)),
            Data(("a", [2, 2], 1)),
            new([.. data.Batches, .. data.Batches], ""),
            new([Batch(("a", [2, 2], 1)), Batch(("b", [4], 2))], ""),
            new([Batch(("b", [4], 2)), Batch(("a", [2, 2], 1))], ""),
            new(
                [
                    data.Batches[0]
                        .ToDictionary(p => p.Key, p => p.Value with { ElementType = p.Key == "a" ? DataType.Int32 : p.Value.ElementType }),
                ],
                ""
            ),
            new([], ""),
        ];
        Digest[] all = [digest, .. others.Select(o => ContentHash.OfData(o))];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    private static Digest OfFile(string path)
    {
        using OnnxModel model = OnnxModel.Load(path);
        return ContentHash.OfModel(model);
    }

    private static Digest Hash(params string[] texts)
    {
        var hash = new ContentHash();
        Array.ForEach(texts, t => hash.Add(t));
        return hash.Finish();
    }

    private static DataSet Data(params (string Name, long[] Shape, int First)[] tensors) => new([Batch(tensors)], "here");

    private static Dictionary<string, DataTensor> Batch(params (string Name, long[] Shape, int First)[] tensors) =>
        tensors.ToDictionary(
            t => t.Name,
            t => new DataTensor(DataType.Float, t.Shape, MemoryMarshal.AsBytes<float>([t.First, 2, 3, 4]).ToArray())
        );
}
