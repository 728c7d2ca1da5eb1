using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Raw bytes and values of tensors, in every way the format stores them.</summary>
public sealed class TensorDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<DataType, int, string> TypedFields()
    {
        static string Hex<T>(params T[] values)
            where T : unmanaged => Convert.ToHexString(MemoryMarshal.AsBytes(values.AsSpan()));
        return new()
        {
            { DataType.Float, 3, Hex(1f, -2.5f, float.NaN) },
            { DataType.Complex64, 1, Hex(1f, -2.5f) },
            { DataType.Double, 2, Hex(1.0, -Math.PI) },
            { DataType.Complex128, 1, Hex(1.0, -Math.PI) },
            { DataType.Int64, 2, Hex(long.MinValue, 5) },
            { DataType.Uint64, 2, Hex(ulong.MaxValue, 5ul) },
            { DataType.Uint32, 2, Hex(uint.MaxValue, 5u) },
            { DataType.Int32, 2, Hex(int.MinValue, 5) },
            { DataType.Int16, 2, Hex<short>(-7, 5) },
            { DataType.Uint16, 2, Hex<ushort>(65535, 5) },
            { DataType.Float16, 2, Hex((Half)1.5f, Half.NegativeInfinity) },
            { DataType.Bfloat16, 2, Hex<ushort>(0x3F80, 0xC000) },
            { DataType.Int8, 3, Hex<sbyte>(-7, 5, -128) },
            { DataType.Uint8, 2, Hex<byte>(255, 5) },
            { DataType.Bool, 2, Hex<byte>(1, 0) },
            { DataType.Float8E4M3Fn, 2, Hex<byte>(0x7E, 0x81) },
            { DataType.Uint4, 5, Hex<byte>(0x21, 0x43, 0x0F) },
            { DataType.Int4, 4, Hex<byte>(0xF1, 0x87) },
            { DataType.Float4E2M1, 3, Hex<byte>(0xF1, 0x07) },
            { DataType.Int2, 5, Hex<byte>(0xF1, 0x02) },
        };
    }

    [Theory]
    [MemberData(nameof(TypedFields))]
    public void TypedFieldsAndRawDataReadTheSame(DataType type, int count, string hex)
    {
        byte[] raw = Convert.FromHexString(hex);
        TensorProto typed = Typed(type, count, raw);
        ModelProto proto = Fixture.Linear();
        proto.Graph.Initializer.Add(typed);
        proto.Graph.Initializer.Add(Fixture.Raw("raw", type, [count], raw));
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(raw, model.ReadBytes(model.Proto.Graph.Initializer[2]).ToArray());
        Assert.Equal(raw, model.ReadBytes(model.Proto.Graph.Initializer[3]).ToArray());
        Assert.Equal(raw.Length, model.StoredBytes(model.Proto.Graph.Initializer[2]));
        Assert.Equal(raw, TensorBytes.ReadInline(typed, "file").ToArray());

        typed.Dims[0] = 9 * count;
        Assert.Equal("LORQ0111", Assert.Throws<LorqException>(() => TensorBytes.ReadInline(typed, "file")).Diagnostic.Id);
        string bad = folder.Write(new ModelProto(proto), "bad.onnx");
        Assert.Equal("LORQ0111", Assert.Throws<LorqException>(() => OnnxModel.Load(bad)).Diagnostic.Id);
    }

    [Fact]
    public void FloatTypesWidenExactly()
    {
        float[] values = [0, -0f, 1.5f, -2.25f, 65504, float.PositiveInfinity];
        Half[] halves = [.. values.Select(v => (Half)v)];
        ushort[] brains = [.. values.Select(v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16))];
        double[] doubles = [.. values.Select(v => (double)v)];
        using OnnxModel model = folder.Load(Fixture.Linear());
        long[] dims = [values.Length];
        Assert.Equal(values, model.ReadFloats(Fixture.Floats("f", dims, values)));
        Assert.Equal(values, model.ReadFloats(Fixture.Raw("h", DataType.Float16, dims, MemoryMarshal.AsBytes(halves.AsSpan()))));
        Assert.Equal(
            [0, -0f, 1.5f, -2.25f, 65280, float.PositiveInfinity],
            model.ReadFloats(Fixture.Raw("b", DataType.Bfloat16, dims, MemoryMarshal.AsBytes(brains.AsSpan())))
        );
        Assert.Equal(values, model.ReadFloats(Fixture.Raw("d", DataType.Double, dims, MemoryMarshal.AsBytes(doubles.AsSpan()))));
        var error = Assert.Throws<LorqException>(() => model.ReadFloats(Fixture.Longs("l", 1, 2)));
        Assert.Equal("LORQ0115", error.Diagnostic.Id);
        Assert.Contains("'l'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RoundingToBrainFloatsIsToNearestEven()
    {
        uint[] bits = [0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x7F7FFFFF, 0xFF7FFFFF, 0x00000001];
        uint[] rounded = [0x3F800000, 0x3F820000, 0x3F810000, 0x3F800000, 0x7F800000, 0xFF800000, 0];
        float[] values = [.. bits.Select(BitConverter.UInt32BitsToSingle), float.NaN];
        FloatConversion.Round(values, DataType.Bfloat16);
        Assert.Equal(rounded, values[..^1].Select(BitConverter.SingleToUInt32Bits));
        Assert.True(float.IsNaN(values[^1]));
    }

    [Fact]
    public void StringsAndSegmentsAreNotBytes()
    {
        ModelProto proto = Fixture.Linear();
        proto.Graph.Initializer.Add(
            new TensorProto
            {
                Name = "s",
                DataType = (int)DataType.String,
                Dims = { 2 },
                StringData = { ByteString.CopyFromUtf8("a"), ByteString.CopyFromUtf8("b") },
            }
        );
        using OnnxModel model = folder.Load(proto);
        Assert.Equal("LORQ0120", Assert.Throws<LorqException>(() => model.ReadBytes(model.Proto.Graph.Initializer[2])).Diagnostic.Id);
        proto.Graph.Initializer[2].StringData.RemoveAt(0);
        Assert.Equal("LORQ0111", Assert.Throws<LorqException>(() => folder.Load(proto)).Diagnostic.Id);
        proto.Graph.Initializer[1].Segment = new Segment { Begin = 0, End = 3 };
        Assert.Equal("LORQ0120", Assert.Throws<LorqException>(() => folder.Load(proto)).Diagnostic.Id);
    }

    /// <summary>Every permutation of a 4-D tensor against the definition.</summary>
    [Fact]
    public void PermutationsFollowTheDefinition()
    {
        long[] shape = [2, 3, 4, 5];
        float[] values = [.. Enumerable.Range(0, 120).Select(i => (float)i)];
        int[][] orders =
        [
            .. from a in Enumerable.Range(0, 4)
            from b in Enumerable.Range(0, 4)
            from c in Enumerable.Range(0, 4)
            where a != b && b != c && a != c
            select new[] { a, b, c, 6 - a - b - c },
        ];
        Assert.Equal(24, orders.Length);
        foreach (int[] order in orders)
        {
            float[] result = Permutation.Apply(values, shape, order);
            int at = 0;
            var index = new int[4];
            for (index[order[0]] = 0; index[order[0]] < shape[order[0]]; index[order[0]]++)
            for (index[order[1]] = 0; index[order[1]] < shape[order[1]]; index[order[1]]++)
            for (index[order[2]] = 0; index[order[2]] < shape[order[2]]; index[order[2]]++)
            for (index[order[3]] = 0; index[order[3]] < shape[order[3]]; index[order[3]]++)
            {
                Assert.Equal(((index[0] * 3 + index[1]) * 4 + index[2]) * 5 + index[3], result[at++]);
            }
        }
        Assert.Equal([7f], Permutation.Apply([7f], [], []));
        Assert.Empty(Permutation.Apply<float>([], [0, 3, 1], [2, 0, 1]));
        Assert.Equal([1f, 4, 2, 5, 3, 6], Permutation.Apply([1f, 2, 3, 4, 5, 6], [2, 3], [1, 0]));
        Assert.Equal([1f, 2, 3, 4, 5, 6], Permutation.Apply([1f, 2, 3, 4, 5, 6], [2, 3], [0, 1]));
    }

    private static TensorProto Typed(DataType type, int count, byte[] raw)
    {
        var tensor = new TensorProto
        {
            Name = "typed",
            DataType = (int)type,
            Dims = { count },
        };
        switch (type)
        {
            case DataType.Float or DataType.Complex64:
                tensor.FloatData.AddRange(MemoryMarshal.Cast<byte, float>(raw).ToArray());
                break;
            case DataType.Double or DataType.Complex128:
                tensor.DoubleData.AddRange(MemoryMarshal.Cast<byte, double>(raw).ToArray());
                break;
            case DataType.Int64:
                tensor.Int64Data.AddRange(MemoryMarshal.Cast<byte, long>(raw).ToArray());
                break;
            case DataType.Uint64:
                tensor.Uint64Data.AddRange(MemoryMarshal.Cast<byte, ulong>(raw).ToArray());
                break;
            case DataType.Uint32:
                tensor.Uint64Data.AddRange(MemoryMarshal.Cast<byte, uint>(raw).ToArray().Select(v => (ulong)v));
                break;
            case DataType.Int32:
                tensor.Int32Data.AddRange(MemoryMarshal.Cast<byte, int>(raw).ToArray());
                break;
            case DataType.Int16:
                tensor.Int32Data.AddRange(MemoryMarshal.Cast<byte, short>(raw).ToArray().Select(v => (int)v));
                break;
            case DataType.Uint16 or DataType.Float16 or DataType.Bfloat16:
                tensor.Int32Data.AddRange(MemoryMarshal.Cast<byte, ushort>(raw).ToArray().Select(v => (int)v));
                break;
            case DataType.Int8:
                tensor.Int32Data.AddRange(raw.Select(v => (int)(sbyte)v));
                break;
            default:
                tensor.Int32Data.AddRange(raw.Select(v => (int)v));
                break;
        }
        return tensor;
    }
}
