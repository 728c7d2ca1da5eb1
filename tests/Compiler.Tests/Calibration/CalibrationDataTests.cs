using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Tests.Models;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class CalibrationDataTests
{
    private static readonly TensorSignature[] Pair =
    [
        new("ids", DataType.Int64, [-1, 3], ["batch", ""]),
        new("x", DataType.Float, [-1, 2], ["batch", ""]),
    ];

    private static readonly long[] Ids = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    private static readonly float[] Xs = [0, 1, 2, 3, 4, 5, 6, 7];

    [Fact]
    public void Samples_run_along_the_first_axis_and_join_into_batches()
    {
        using var folder = new TemporaryFolder();
        Npz.Write(folder.File("d.npz"), ("ids", Npz.Array("<i8", [4, 3], Ids)), ("x", Npz.Array("<f4", [4, 2], Xs)));
        SampleSet samples = CalibrationData.Load([folder.File("d.npz")], Pair, default);
        Assert.Equal(4, samples.Samples.Count);
        DataSet batches = samples.ToDataSet(3);
        Assert.Equal([3, 1], batches.Batches.Select(b => b["ids"].Shape[0]));
        Assert.Equal(Ids[..9], MemoryMarshal.Cast<byte, long>(batches.Batches[0]["ids"].Bytes).ToArray());
        Assert.Equal(Xs[6..], MemoryMarshal.Cast<byte, float>(batches.Batches[1]["x"].Bytes).ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Types_widen_and_column_order_is_undone(byte version)
    {
        using var folder = new TemporaryFolder();
        int[] columnMajor = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11];
        double[] wide = [.. Xs.Select(v => (double)v)];
        Npz.Write(
            folder.File("d.npz"),
            ("ids", Npz.Array("<i4", [4, 3], columnMajor, fortran: true, version)),
            ("x", Npz.Array("<f8", [4, 2], wide, version: version))
        );
        DataSet data = CalibrationData.Load([folder.File("d.npz")], Pair, default).ToDataSet(4);
        Assert.Equal(Ids, MemoryMarshal.Cast<byte, long>(data.Batches[0]["ids"].Bytes).ToArray());
        Assert.Equal(Xs, MemoryMarshal.Cast<byte, float>(data.Batches[0]["x"].Bytes).ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        byte[] ids = Npz.Array("<i8", [4, 3], Ids);
        byte[] x = Npz.Array("<f4", [4, 2], Xs);
        float[] spoilt = [.. Xs];
        spoilt[5] = float.NaN;
        Refused("LORQ0412", "'x'", ("ids", ids));
        Refused("LORQ0412", "'y'", ("ids", ids), ("x", x), ("y", x));
        Refused("LORQ0412", "'ids'", ("ids", Npz.Array("<i8", [3, 4], Ids)), ("x", x));
        Refused("LORQ0412", "different numbers", ("ids", Npz.Array("<i8", [2, 3], Ids[..6])), ("x", x));
        Refused("LORQ0412", "'ids' is Float", ("ids", Npz.Array("<f4", [4, 3], new float[12])), ("x", x));
        Refused("LORQ0413", "'x' of sample 2", ("ids", ids), ("x", Npz.Array("<f4", [4, 2], spoilt)));
        Refused("LORQ0411", "c16", ("ids", Npz.Array("<c16", [4, 3], Ids)), ("x", x));

        void Refused(string id, string part, params (string, byte[])[] arrays)
        {
            File.Delete(folder.File("d.npz"));
            Npz.Write(folder.File("d.npz"), arrays);
            var e = Assert.Throws<LorqException>(() => CalibrationData.Load([folder.File("d.npz")], Pair, default).ToDataSet(1));
            Assert.Equal(id, e.Diagnostic.Id);
            Assert.Contains(part, e.Message);
        }
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using var folder = new TemporaryFolder();
        TensorSignature[] one = [Pair[1]];
        byte[] whole = Npz.Array("<f4", [4, 2], Xs);
        string path = folder.File("x.npy");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Equal("LORQ0411", Assert.Throws<LorqException>(() => CalibrationData.Load([path], one, default)).Diagnostic.Id);
        }
        File.WriteAllBytes(path, whole);
        Assert.Equal(4, CalibrationData.Load([path], one, default).Samples.Count);
    }

    [Fact]
    public void Forged_lengths_allocate_nothing()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("x.npy");
        File.WriteAllBytes(path, Npz.Array("<f4", [1L << 40, 2], Xs));
        Assert.Equal("LORQ0411", Assert.Throws<LorqException>(() => CalibrationData.Load([path], [Pair[1]], default)).Diagnostic.Id);
        File.WriteAllBytes(path, Npz.Array("<f4", [long.MaxValue, 4], Xs));
        Assert.Equal("LORQ0411", Assert.Throws<LorqException>(() => CalibrationData.Load([path], [Pair[1]], default)).Diagnostic.Id);
        File.WriteAllBytes(folder.File("z.npz"), "PK\u0003\u0004 no archive"u8.ToArray());
        Assert.Equal(
            "LORQ0411",
            Assert.Throws<LorqException>(() => CalibrationData.Load([folder.File("z.npz")], Pair, default)).Diagnostic.Id
        );
        Assert.Equal(
            "LORQ0410",
            Assert.Throws<LorqException>(() => CalibrationData.Load([folder.File("no*.npz")], Pair, default)).Diagnostic.Id
        );
    }

    [Theory]
    [InlineData(1, 0.25)]
    [InlineData(2, 0.25)]
    [InlineData(7, 0.25)]
    [InlineData(64, 0.25)]
    [InlineData(10, 0.9)]
    public void Held_out_samples_are_disjoint_and_nothing_is_lost(int count, double share)
    {
        Sample[] samples =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new Sample(
                    new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, [1], BitConverter.GetBytes((float)i)) },
                    false
                )),
        ];
        (DataSet data, DataSet heldOut, bool isSame) = new SampleSet(samples, "").Split(share, 4);
        Assert.Equal(count == 1, isSame);
        if (!isSame)
        {
            float[] all = [.. data.Batches.Concat(heldOut.Batches).Select(b => BitConverter.ToSingle(b["x"].Bytes)).Order()];
            Assert.Equal(Enumerable.Range(0, count).Select(i => (float)i), all);
            Assert.InRange(heldOut.Batches.Count, 1, count - 1);
        }
    }
}
