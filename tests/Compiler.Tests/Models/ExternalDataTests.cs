using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Tensors in files beside the model: read, written, and refused when they are not where they should be.</summary>
public sealed class ExternalDataTests : IDisposable
{
    private static readonly SaveOptions External = new(ExternalDataMode.External);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void LargeTensorsMoveOutAndBack()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        string moved = folder.File("moved.onnx");
        long measured = model.MeasureBytes(External, moved);
        Assert.Equal(measured, model.Save(moved, External));
        Assert.Equal(measured, new FileInfo(moved).Length + new FileInfo(moved + ".data").Length);

        using OnnxModel external = OnnxModel.Load(moved);
        Assert.Equal(["moved.onnx.data"], external.ExternalFiles);
        Assert.Equal(measured, external.FileBytes);
        TensorProto weight = external.Proto.Graph.Initializer[0];
        Assert.Equal(DataLocation.External, weight.DataLocation);
        Assert.Equal(Fixture.Values(24 * 16), external.ReadFloats(weight));
        Assert.Equal(DataLocation.Default, external.Proto.Graph.Initializer[1].DataLocation);

        string back = folder.File("back.onnx");
        external.Save(back, new SaveOptions(ExternalDataMode.Inline));
        Assert.Equal(File.ReadAllBytes(model.Path), File.ReadAllBytes(back));
    }

    [Fact]
    public void AutoKeepsExternalWhatWasAndMovesOutAtTheLimit()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        string moved = folder.File("moved.onnx");
        model.Save(moved, External);
        using (OnnxModel external = OnnxModel.Load(moved))
        {
            string again = folder.File("again.onnx");
            Assert.Equal(external.MeasureBytes(path: again), external.Save(again));
            using OnnxModel reloaded = OnnxModel.Load(again);
            Assert.Equal(["again.onnx.data"], reloaded.ExternalFiles);
            Assert.Equal(Fixture.Values(24 * 16), reloaded.ReadFloats(reloaded.Proto.Graph.Initializer[0]));
        }

        string limited = folder.File("limited.onnx");
        long size = new FileInfo(model.Path).Length;
        model.Save(limited, new SaveOptions { InlineLimit = size });
        Assert.False(File.Exists(limited + ".data"));
        model.Save(limited, new SaveOptions { InlineLimit = size - 1 });
        Assert.True(File.Exists(limited + ".data"));
        var error = Assert.Throws<LorqException>(() =>
            model.Save(limited, new SaveOptions(ExternalDataMode.Inline) { InlineLimit = size - 1 })
        );
        Assert.Equal("LORQ0119", error.Diagnostic.Id);
    }

    [SkippableFact]
    public void SavingOverTheLoadedFilesIsFine()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows keeps mapped files from being replaced.");
        using OnnxModel model = folder.Load(Fixture.Linear());
        model.Save(model.Path, External);
        using OnnxModel external = OnnxModel.Load(model.Path);
        external.Save(external.Path);
        using OnnxModel again = OnnxModel.Load(model.Path);
        Assert.Equal(Fixture.Values(24 * 16), again.ReadFloats(again.Proto.Graph.Initializer[0]));
        Assert.Equal(["model.onnx", "model.onnx.data"], folder.Names());
    }

    /// <summary>Initializers, Constant nodes and initializers of a subgraph, all external: stock ONNX Runtime gives the same bits.</summary>
    [Fact]
    public void OnnxRuntimeReadsEveryKindOfExternalTensor()
    {
        GraphProto Branch(string name, int seed) =>
            new()
            {
                Name = name,
                Initializer = { Fixture.Floats($"{name}_W", [16, 20], Fixture.Values(320, seed)) },
                Node =
                {
                    Fixture.Node(
                        "Constant",
                        [],
                        [$"{name}_c"],
                        Fixture.Tensor("value", Fixture.Floats("", [20, 20], Fixture.Values(400, seed + 1)))
                    ),
                    Fixture.Node("MatMul", ["y", $"{name}_W"], [$"{name}_1"]),
                    Fixture.Node("MatMul", [$"{name}_1", $"{name}_c"], [$"{name}_z"]),
                },
                Output = { Fixture.Info($"{name}_z", DataType.Float, -1, 20) },
            };
        ModelProto proto = Fixture.Linear();
        proto.Graph.Node.Add(
            Fixture.Node("Constant", [], ["C"], Fixture.Tensor("value", Fixture.Floats("", [20, 20], Fixture.Values(400, 9))))
        );
        proto.Graph.Initializer.Add(Fixture.Raw("condition", DataType.Bool, [], [1]));
        proto.Graph.Node.Add(
            Fixture.Node(
                "If",
                ["condition"],
                ["z"],
                Fixture.Graph("then_branch", Branch("then", 3)),
                Fixture.Graph("else_branch", Branch("else", 5))
            )
        );
        proto.Graph.Node.Add(Fixture.Node("MatMul", ["z", "C"], ["out"]));
        proto.Graph.Output.Clear();
        proto.Graph.Output.Add(Fixture.Info("out", DataType.Float, -1, 20));
        using OnnxModel model = folder.Load(proto);
        string moved = folder.File("moved.onnx");
        model.Save(moved, External);
        using (OnnxModel external = OnnxModel.Load(moved))
        {
            int count = 0;
            TensorVisitor.Visit(external.Proto, (tensor, _, _) => count += ExternalLocation.IsExternal(tensor) ? 1 : 0);
            Assert.Equal(6, count);
        }
        Assert.Equal(Run(model.Path), Run(moved));
    }

    public static TheoryData<string, string, string?, string?> BadEntries() =>
        new()
        {
            { "LORQ0112", "none.bin", "0", "1536" },
            { "LORQ0112", "", "0", "1536" },
            { "LORQ0112", "a\0b", "0", "1536" },
            { "LORQ0112", "sub", "0", "1536" },
            { "LORQ0112", "*/_ORT_MEM_ADDR_/*", "0", "1536" },
            { "LORQ0113", "../outside.bin", "0", "1536" },
            { "LORQ0113", "sub/../../outside.bin", "0", "1536" },
            { "LORQ0113", "/etc/passwd", "0", "1536" },
            { "LORQ0113", "..", "0", "1536" },
            { "LORQ0113", ".", "0", "1536" },
            { "LORQ0113", "link.bin", "0", "1536" },
            { "LORQ0113", "linked/outside.bin", "0", "1536" },
            { "LORQ0113", "circle", "0", "1536" },
            { "LORQ0114", "data.bin", "1", "1536" },
            { "LORQ0114", "data.bin", "9223372036854775807", "1536" },
            { "LORQ0114", "data.bin", "1537", null },
            { "LORQ0114", "data.bin", "0", "9223372036854775807" },
            { "LORQ0114", "data.bin", "9223372036854775807", "9223372036854775807" },
            { "LORQ0114", "empty.bin", null, null },
            { "LORQ0121", "data.bin", "-1", "1536" },
            { "LORQ0121", "data.bin", "9223372036854775808", "1536" },
            { "LORQ0121", "data.bin", "0", "-1536" },
            { "LORQ0121", "data.bin", "zero", "1536" },
            { "LORQ0121", "data.bin", "0", "" },
            { "LORQ0111", "data.bin", "0", "1535" },
            { "LORQ0111", "data.bin", "1", "1535" },
        };

    [Theory]
    [MemberData(nameof(BadEntries))]
    public void BadEntriesAreRefused(string id, string location, string? offset, string? length)
    {
        string inside = Directory.CreateDirectory(folder.File("inside")).FullName;
        string Inside(string name) => Path.Combine(inside, name);
        Directory.CreateDirectory(Inside("sub"));
        File.WriteAllBytes(folder.File("outside.bin"), new byte[1536]);
        File.WriteAllBytes(Inside("data.bin"), new byte[1536]);
        File.WriteAllBytes(Inside("empty.bin"), []);
        File.CreateSymbolicLink(Inside("link.bin"), "../outside.bin");
        File.CreateSymbolicLink(Inside("linked"), "..");
        File.CreateSymbolicLink(Inside("circle"), "circle");
        string path = folder.Write(WithEntries(location, offset, length), "inside/model.onnx");
        var error = Assert.Throws<LorqException>(() => OnnxModel.Load(path));
        Assert.True(error.Diagnostic.Id == id, error.ToCanonical());
        Assert.Contains("'W'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data.bin", null, null)]
    [InlineData("data.bin", "0", null)]
    [InlineData("./data.bin", null, "1536")]
    [InlineData("sub/../data.bin", null, "1536")]
    [InlineData("link.bin", null, "1536")]
    public void FilesInsideTheFolderAreRead(string location, string? offset, string? length)
    {
        Directory.CreateDirectory(folder.File("sub"));
        byte[] bytes = [.. Enumerable.Range(0, 1536).Select(i => (byte)i)];
        File.WriteAllBytes(folder.File("data.bin"), bytes);
        File.CreateSymbolicLink(folder.File("link.bin"), "data.bin");
        using OnnxModel model = folder.Load(WithEntries(location, offset, length));
        Assert.Equal(bytes, model.ReadBytes(model.Proto.Graph.Initializer[0]).ToArray());
    }

    [Fact]
    public void AModelBehindALinkReadsBesideTheLink()
    {
        Directory.CreateDirectory(folder.File("store"));
        folder.Write(WithEntries("data.bin", "0", "1536"), "store/blob");
        File.CreateSymbolicLink(folder.File("model.onnx"), "store/blob");
        File.WriteAllBytes(folder.File("data.bin"), new byte[1536]);
        using OnnxModel model = OnnxModel.Load(folder.File("model.onnx"));
        Assert.Equal(1536, model.ReadBytes(model.Proto.Graph.Initializer[0]).Length);
    }

    [Fact]
    public void TensorsOver2GbLoadAndSayWhyTheyCannotBeRead()
    {
        ModelProto proto = WithEntries("data.bin", "0", null);
        proto.Graph.Initializer[0].Dims.Clear();
        proto.Graph.Initializer[0].Dims.Add([1 << 20, 600]);
        using (FileStream stream = File.Create(folder.File("data.bin")))
        {
            stream.SetLength(4L * 600 << 20);
        }
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(4L * 600 << 20, model.StoredBytes(model.Proto.Graph.Initializer[0]));
        var error = Assert.Throws<LorqException>(() => model.ReadBytes(model.Proto.Graph.Initializer[0]));
        Assert.Equal("LORQ0116", error.Diagnostic.Id);
        Assert.True(model.MeasureBytes() > 4L * 600 << 20);
        Assert.Equal(
            "LORQ0119",
            Assert.Throws<LorqException>(() => model.MeasureBytes(new SaveOptions(ExternalDataMode.Inline))).Diagnostic.Id
        );
    }

    private static ModelProto WithEntries(string location, string? offset, string? length)
    {
        ModelProto proto = Fixture.Linear();
        TensorProto weight = proto.Graph.Initializer[0];
        weight.ClearRawData();
        weight.DataLocation = DataLocation.External;
        foreach ((string key, string? value) in new[] { ("location", location), ("offset", offset), ("length", length) })
        {
            if (value is not null)
            {
                weight.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
            }
        }
        return proto;
    }

    private static byte[] Run(string path)
    {
        using var session = new InferenceSession(path);
        using var x = OrtValue.CreateTensorValueFromMemory(Fixture.Values(3 * 24, 7), [3, 24]);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, ["x"], [x], session.OutputNames);
        return outputs[0].GetTensorMutableRawData().ToArray();
    }
}
