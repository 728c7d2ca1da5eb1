using System.IO.Compression;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Onnx;
using Lorq.Tests.Models;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class DataReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static readonly TensorSignature[] tokens =
    [
        new("input_ids", DataType.Int64, [-1, -1], ["batch", "sequence"]),
        new("attention_mask", DataType.Int64, [-1, -1], ["batch", "sequence"]),
    ];

    private static readonly TensorSignature[] image = [new("x", DataType.Float, [-1, 2, 3], ["n", "", ""])];

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void ReadsArchivesStoredAndDeflated(CompressionLevel level)
    {
        string path = Npy.Zip(
            folder.File("a.npz"),
            level,
            ("input_ids.npy", Npy.Longs([1, 2, 3, 4, 5, 6], 3, 2)),
            ("attention_mask.npy", Npy.Array<int>("<i4", [1, 1, 1, 0, 1, 0], 3, 2))
        );
        SampleSet set = Load(tokens, path);
        Assert.Equal(3, set.Samples.Count);
        Assert.Equal([1, 2], set.Samples[1].Inputs["input_ids"].Shape);
        Assert.Equal([3L, 4], Values<long>(set.Samples[1].Inputs["input_ids"]));
        Assert.Equal(DataType.Int64, set.Samples[1].Inputs["attention_mask"].ElementType);
        Assert.Equal([1L, 0], Values<long>(set.Samples[1].Inputs["attention_mask"]));
        DataSet data = set.ToDataSet(2);
        Assert.Equal([2L, 2], data.Batches[0]["input_ids"].Shape);
        Assert.Equal([1L, 2], data.Batches[1]["input_ids"].Shape);
        Assert.Equal([new SampleOrigin(path, 2)], data.Origins[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ReadsEveryVersionAndOrder(byte version)
    {
        // Fortran order: the first axis runs fastest.
        byte[] data = Bytes<float>([0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]);
        File.WriteAllBytes(folder.File("x.npy"), Npy.File("<f4", data, version, true, 2, 2, 3));
        SampleSet set = Load(image, folder.File("x.npy"));
        Assert.Equal([0f, 1, 2, 3, 4, 5], Values<float>(set.Samples[0].Inputs["x"]));
        Assert.Equal([6f, 7, 8, 9, 10, 11], Values<float>(set.Samples[1].Inputs["x"]));
    }

    public static TheoryData<string, byte[]> FloatTypes =>
        new()
        {
            { "<f2", Bytes<Half>([(Half)1, (Half)2, (Half)3, (Half)4, (Half)5, (Half)(-0.5)]) },
            { "<f4", Bytes<float>([1, 2, 3, 4, 5, -0.5f]) },
            { "<f8", Bytes<double>([1, 2, 3, 4, 5, -0.5]) },
        };

    [Theory]
    [MemberData(nameof(FloatTypes))]
    public void ConvertsBetweenFloatTypes(string descr, byte[] data)
    {
        Npy.Zip(folder.File("a.npz"), ("x.npy", Npy.File(descr, data, shape: [1, 2, 3])));
        Assert.Equal([1f, 2, 3, 4, 5, -0.5f], Values<float>(Load(image, folder.File("a.npz")).Samples[0].Inputs["x"]));
    }

    public static TheoryData<string, byte[]> IntegerTypes =>
        new()
        {
            { "|i1", Bytes<sbyte>([1, 0, 1]) },
            { "<i2", Bytes<short>([1, 0, 1]) },
            { "<i4", Bytes<int>([1, 0, 1]) },
            { "<i8", Bytes<long>([1, 0, 1]) },
            { "|u1", [1, 0, 1] },
            { "<u2", Bytes<ushort>([1, 0, 1]) },
            { "<u4", Bytes<uint>([1, 0, 1]) },
            { "<u8", Bytes<ulong>([1, 0, 1]) },
            { "|b1", [1, 0, 1] },
        };

    [Theory]
    [MemberData(nameof(IntegerTypes))]
    public void ConvertsBetweenIntegerTypes(string descr, byte[] data)
    {
        foreach (DataType wanted in new[] { DataType.Int64, DataType.Int32, DataType.Uint8, DataType.Bool })
        {
            Npy.Zip(folder.File("a.npz"), ("m.npy", Npy.File(descr, data, shape: [1, 3])));
            DataTensor read = Load([new("m", wanted, [-1, 3], ["", ""])], folder.File("a.npz")).Samples[0].Inputs["m"];
            Assert.Equal(wanted, read.ElementType);
            int size = read.Bytes.Length / 3;
            Assert.Equal([1, 0, 1], read.Bytes.Where((_, i) => i % size == 0));
        }
    }

    [Fact]
    public void RefusesWhatConversionWouldChange()
    {
        Npy.Zip(folder.File("a.npz"), ("m.npy", Npy.Longs([1, 1L << 33, 0], 1, 3)));
        Fails("LORQ0412", [new("m", DataType.Int32, [-1, 3], ["", ""])], folder.File("a.npz"), "8589934592");
        Npy.Zip(folder.File("b.npz"), ("m.npy", Npy.Longs([1, -1, 0], 1, 3)));
        Fails("LORQ0412", [new("m", DataType.Uint8, [-1, 3], ["", ""])], folder.File("b.npz"), "-1");
        Fails("LORQ0412", [new("m", DataType.Bool, [-1, 3], ["", ""])], folder.File("b.npz"), "-1");
        Fails("LORQ0412", [new("m", DataType.Float, [-1, 3], ["", ""])], folder.File("b.npz"), "Int64");
    }

    [Fact]
    public void ReadsOneFilePerInput()
    {
        File.WriteAllBytes(folder.File("input_ids.npy"), Npy.Longs([1, 2, 3, 4], 2, 2));
        File.WriteAllBytes(folder.File("attention_mask.npy"), Npy.Longs([1, 1, 1, 0], 2, 2));
        Assert.Equal(2, Load(tokens, folder.Path).Samples.Count);
        Assert.Equal(2, Load(tokens, folder.File("*.npy")).Samples.Count);
        // The only input needs no name.
        File.WriteAllBytes(folder.File("whatever.npy"), Npy.Floats(new float[12], 2, 2, 3));
        Assert.Equal(2, Load(image, folder.File("whatever.npy")).Samples.Count);
    }

    [Fact]
    public void ReadsOnnxTestData()
    {
        for (int set = 0; set < 3; set++)
        {
            string path = Directory.CreateDirectory(folder.File($"test_data_set_{set}")).FullName;
            Write(
                Path.Combine(path, "input_0.pb"),
                new TensorProto
                {
                    Name = "input_ids",
                    DataType = (int)DataType.Int64,
                    Dims = { 2, 2 },
                    Int64Data = { set, 2, 3, 4 },
                }
            );
            // Without a known name the number counts.
            Write(
                Path.Combine(path, "input_1.pb"),
                new TensorProto
                {
                    Name = "m",
                    DataType = (int)DataType.Int64,
                    Dims = { 2, 2 },
                    RawData = ByteString.CopyFrom(Bytes<long>([1, 1, 1, 0])),
                }
            );
        }
        SampleSet set3 = Load(tokens, folder.Path);
        Assert.Equal(3, set3.Samples.Count);
        Assert.Equal([1L, 2, 3, 4], Values<long>(set3.Samples[1].Inputs["input_ids"]));
        // Each folder is a run of its own.
        Assert.Equal(3, set3.ToDataSet(8).Batches.Count);
        Assert.Single(Load(tokens, folder.File("test_data_set_2")).Samples);
        Assert.Equal(3, Load(tokens, folder.File("test_data_set_?")).Samples.Count);
    }

    [Fact]
    public void CutsFixedBatchesAndStacks()
    {
        TensorSignature[] pairs = [new("x", DataType.Float, [2, 3], ["", ""])];
        Npy.Zip(folder.File("rows.npz"), ("x.npy", Npy.Floats([.. Enumerable.Range(0, 12).Select(i => (float)i)], 4, 3)));
        SampleSet rows = Load(pairs, folder.File("rows.npz"));
        Assert.Equal(2, rows.Samples.Count);
        Assert.Equal([2L, 3], rows.Samples[1].Inputs["x"].Shape);
        Assert.Equal(6f, Values<float>(rows.Samples[1].Inputs["x"])[0]);
        Assert.Equal(2, rows.ToDataSet(8).Batches.Count);
        Npy.Zip(folder.File("stack.npz"), ("x.npy", Npy.Floats(new float[30], 5, 2, 3)));
        Assert.Equal(5, Load(pairs, folder.File("stack.npz")).Samples.Count);
        Npy.Zip(folder.File("odd.npz"), ("x.npy", Npy.Floats(new float[9], 3, 3)));
        Fails("LORQ0412", pairs, folder.File("odd.npz"), "3 rows");
    }

    [Fact]
    public void SharesInputsWithoutABatchAxis()
    {
        TensorSignature[] inputs = [.. image, new("rate", DataType.Int64, [], [])];
        Npy.Zip(folder.File("a.npz"), ("x.npy", Npy.Floats(new float[18], 3, 2, 3)), ("rate.npy", Npy.Longs([16000])));
        SampleSet set = Load(inputs, folder.File("a.npz"));
        Assert.Equal(3, set.Samples.Count);
        Assert.All(set.Samples, s => Assert.Equal([16000L], Values<long>(s.Inputs["rate"])));
        Assert.Equal(3, set.ToDataSet(8).Batches.Count);
    }

    [Fact]
    public void NamesWhatDoesNotFit()
    {
        string path = folder.File("a.npz");
        byte[] ids = Npy.Longs([1, 2, 3, 4], 2, 2);
        Npy.Zip(path, ("input_ids.npy", ids), ("atention_mask.npy", ids));
        Fails("LORQ0412", tokens, path, "did you mean 'attention_mask'?");
        Npy.Zip(path, ("input_ids.npy", ids));
        Fails("LORQ0412", tokens, path, "no array for input 'attention_mask'");
        Npy.Zip(path, ("input_ids.npy", ids), ("attention_mask.npy", Npy.Longs([1, 2, 3], 3, 1)));
        Fails("LORQ0412", tokens, path, "'input_ids' 2, 'attention_mask' 3");
        Npy.Zip(path, ("x.npy", Npy.Floats(new float[8], 2, 2, 2)));
        Fails("LORQ0412", image, path, "1×2×2");
        Npy.Zip(path, ("x.npy", Npy.Floats(new float[4], 4)));
        Fails("LORQ0412", image, path, "n×2×3");
        Npy.Zip(path, ("x.npy", Npy.Longs(new long[6], 1, 2, 3)));
        Fails("LORQ0412", image, path, "Int64");
        Npy.Zip(path, ("x.npy", Npy.Floats([], 0, 2, 3)));
        Fails("LORQ0411", image, path, "no sample");
        Npy.Zip(path, ("x.npy", Npy.Floats([1, 2, 3, 4, 5, 6, 7, 8, float.NaN, 1, 2, 3], 2, 2, 3)));
        Fails("LORQ0413", image, path, "'x' of sample 1");
        Npy.Zip(path, ("x.npy", Npy.Array<double>("<f8", [1e300, 2, 3, 4, 5, 6], 1, 2, 3)));
        Fails("LORQ0413", image, path, "sample 0");
        Fails("LORQ0410", image, folder.File("none.npz"), "none.npz");
        Fails("LORQ0410", image, folder.File("none*.npz"), "none*.npz");
        File.WriteAllText(folder.File("a.csv"), "1");
        Fails("LORQ0411", image, folder.File("a.csv"), ".npz");
        Directory.CreateDirectory(folder.File("empty"));
        Fails("LORQ0411", image, folder.File("empty"), "input_*.pb");
    }

    public static TheoryData<string, byte[]> MalformedArrays =>
        new()
        {
            { "empty", [] },
            { "not npy", "PK hello hello"u8.ToArray() },
            { "no header", [0x93, .. "NUMPY"u8, 1, 0, 0xff] },
            { "version 9", Npy.File("<f4", new byte[24], 9, shape: [1, 2, 3]) },
            { "truncated", Npy.Floats(new float[6], 1, 2, 3)[..^1] },
            { "header length", [0x93, .. "NUMPY"u8, 2, 0, 0xff, 0xff, 0xff, 0x7f] },
            { "huge", Npy.File("<f4", new byte[24], shape: [1L << 40, 2, 3]) },
            { "overflow", Npy.File("<f4", new byte[24], shape: [1L << 62, 1L << 62, 4, 1L << 62]) },
            { "wraps to zero", Npy.File("<f4", new byte[24], shape: [1L << 32, 1L << 32]) },
            { "claims 1 GB", Npy.File("<f4", new byte[24], shape: [1 << 28]) },
            { "big-endian", Npy.File(">f4", new byte[24], shape: [1, 2, 3]) },
            { "objects", Npy.File("|O", new byte[24], shape: [1, 2, 3]) },
            { "strings", Npy.File("<U4", new byte[96], shape: [1, 2, 3]) },
            { "structured", Npy.Raw("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2, 3), }\n", new byte[24]) },
            { "negative", Npy.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2, 3), }\n", new byte[24]) },
            { "no shape", Npy.Raw("{'descr': '<f4', 'fortran_order': False, }\n", new byte[24]) },
            { "words", Npy.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (a, b), }\n", new byte[24]) },
            { "number", Npy.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", new byte[24]) },
        };

    [Theory]
    [MemberData(nameof(MalformedArrays))]
    public void RefusesMalformedArrays(string what, byte[] file)
    {
        File.WriteAllBytes(folder.File("x.npy"), file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fails("LORQ0411", image, folder.File("x.npy"), "x.npy");
        Npy.Zip(folder.File("x.npz"), ("x.npy", file));
        Fails("LORQ0411", image, folder.File("x.npz"), "x.npy");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 20_000_000, what);
    }

    [Fact]
    public void RefusesAnArrayCutAnywhere()
    {
        byte[] whole = Npy.Floats([1, 2, 3, 4, 5, 6], 1, 2, 3);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder.File("x.npy"), whole[..length]);
            Fails("LORQ0411", image, folder.File("x.npy"), "x.npy");
        }
    }

    [Fact]
    public void RefusesForgedSizesWithoutAllocatingThem()
    {
        string path = folder.File("bomb.npz");
        Npy.Zip(path, CompressionLevel.NoCompression, ("x.npy", Npy.File("<f4", new byte[24], shape: [1 << 28])));
        byte[] zip = File.ReadAllBytes(path);
        // The uncompressed size in the central directory (and the deflate method), made to say 1 GB and a bit.
        int directory = zip.AsSpan().LastIndexOf(new byte[] { 0x50, 0x4b, 1, 2 });
        BitConverter.GetBytes((1 << 30) + 200).CopyTo(zip, directory + 24);
        File.WriteAllBytes(path, zip);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fails("LORQ0411", image, path, "bomb.npz");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 20_000_000);
    }

    [Fact]
    public void RefusesDamagedArchivesWhereverTheyAreDamaged()
    {
        float[] values = [.. Enumerable.Range(0, 600).Select(i => MathF.Sin(i))];
        string path = Npy.Zip(folder.File("a.npz"), ("x.npy", Npy.Floats(values, 100, 2, 3)));
        byte[] whole = File.ReadAllBytes(path);
        string damaged = folder.File("b.npz");
        for (int length = 0; length < whole.Length; length += 1 + length / 16)
        {
            File.WriteAllBytes(damaged, whole[..length]);
            Fails("LORQ0411", image, damaged, "b.npz");
        }
        var random = new Random(1);
        for (int round = 0; round < 400; round++)
        {
            byte[] copy = [.. whole];
            copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(damaged, copy);
            try
            {
                // Some bytes say nothing (dates, flags): then the values are what they were.
                SampleSet set = Load(image, damaged);
                Assert.Equal(values, set.Samples.SelectMany(s => Values<float>(s.Inputs["x"])));
            }
            catch (LorqException e)
            {
                Assert.StartsWith("LORQ041", e.Diagnostic.Id);
            }
        }
    }

    [Fact]
    public void RefusesOddArchives()
    {
        byte[] x = Npy.Floats(new float[6], 1, 2, 3);
        string path = folder.File("a.npz");
        Npy.Zip(path, ("x.npy", x), ("x.npy", x));
        Fails("LORQ0411", image, path, "twice");
        Npy.Zip(path, ("x.npy", x), ("readme.txt", "hello"u8.ToArray()));
        Fails("LORQ0411", image, path, "readme.txt");
        Npy.Zip(path);
        Fails("LORQ0412", image, path, "'x'");
    }

    [Fact]
    public void RefusesMalformedTestData()
    {
        string set = Directory.CreateDirectory(folder.File("test_data_set_0")).FullName;
        string file = Path.Combine(set, "input_0.pb");
        File.WriteAllBytes(file, [0xff, 0xff, 0xff, 0xff]);
        Fails("LORQ0411", image, set, "input_0.pb");
        var tensor = new TensorProto
        {
            Name = "x",
            DataType = (int)DataType.Float,
            Dims = { 1, 2, 3 },
            FloatData = { 1, 2, 3 },
        };
        Write(file, tensor);
        Assert.Throws<LorqException>(() => Load(image, set));
        tensor.Dims[0] = 1L << 60;
        Write(file, tensor);
        Assert.Throws<LorqException>(() => Load(image, set));
        tensor.Name = "y";
        Write(Path.Combine(set, "input_7.pb"), tensor);
        File.Delete(file);
        Fails("LORQ0412", image, set, "numbered 7");
    }

    private static SampleSet Load(TensorSignature[] inputs, string path) => CalibrationData.Load([path], inputs, default);

    private static void Fails(string id, TensorSignature[] inputs, string path, string part)
    {
        LorqException e = Assert.Throws<LorqException>(() => Load(inputs, path));
        Assert.Equal(id, e.Diagnostic.Id);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }

    private static void Write(string path, TensorProto tensor) => File.WriteAllBytes(path, tensor.ToByteArray());

    private static T[] Values<T>(DataTensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.Bytes).ToArray();

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(values).ToArray();
}
