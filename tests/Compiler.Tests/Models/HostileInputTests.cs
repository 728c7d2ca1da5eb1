using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Whatever the bytes are, loading ends with a model or with one clear error of the catalogue.</summary>
public sealed class HostileInputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string, string> NotModels() =>
        new()
        {
            { "text", "LORQ0103", Convert.ToBase64String("The quick brown fox jumps over the lazy dog.\n"u8) },
            { "json", "LORQ0103", Convert.ToBase64String("{\"a\": [1, 2, 3]}"u8) },
            { "lfs pointer", "LORQ0103", Convert.ToBase64String("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n"u8) },
            { "zip", "LORQ0103", Convert.ToBase64String("PK\u0003\u0004\u0014\0\u0006\0\b\0"u8) },
            { "empty", "LORQ0102", "" },
            { "only a header", "LORQ0105", Convert.ToBase64String([0x08, 0x08, 0x12, 0x02, 0x61, 0x62]) },
            { "field number 0", "LORQ0103", Convert.ToBase64String([0x00, 0x00]) },
            { "graph of 2 GB", "LORQ0104", Convert.ToBase64String([0x08, 0x08, 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]) },
            { "graph of 2^63", "LORQ0104", Convert.ToBase64String([0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) },
            { "endless varint", "LORQ0103", Convert.ToBase64String([.. Enumerable.Repeat((byte)0xFF, 40)]) },
            { "group without end", "LORQ0104", Convert.ToBase64String([0x08, 0x08, 0x9B, 0x06, 0x08, 0x01]) },
            { "end without group", "LORQ0104", Convert.ToBase64String([0x08, 0x08, 0x9C, 0x06]) },
            { "groups in groups", "LORQ0106", Convert.ToBase64String([.. Enumerable.Repeat((byte)0x0B, 5000)]) },
        };

    [Theory]
    [MemberData(nameof(NotModels))]
    public void WhatIsNotAModelIsRefused(string what, string id, string base64)
    {
        string path = folder.File("model.onnx");
        File.WriteAllBytes(path, Convert.FromBase64String(base64));
        var error = Assert.Throws<LorqException>(() => OnnxModel.Load(path));
        Assert.True(error.Diagnostic.Id == id, $"{what}: {error.ToCanonical()}");
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFilesAndFoldersAreRefused()
    {
        Assert.Equal("LORQ0100", Assert.Throws<LorqException>(() => OnnxModel.Load(folder.File("none.onnx"))).Diagnostic.Id);
        Assert.Equal("LORQ0101", Assert.Throws<LorqException>(() => OnnxModel.Load(folder.Path)).Diagnostic.Id);
        string large = folder.File("large.onnx");
        using (FileStream stream = File.Create(large))
        {
            stream.SetLength(int.MaxValue + 1L);
        }
        Assert.Equal("LORQ0107", Assert.Throws<LorqException>(() => OnnxModel.Load(large)).Diagnostic.Id);
    }

    [SkippableFact]
    public void APipeIsNotWaitedFor()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Needs mkfifo.");
        string pipe = folder.File("pipe.onnx");
        using (var process = System.Diagnostics.Process.Start("mkfifo", [pipe]))
        {
            process.WaitForExit();
        }
        Assert.Equal("LORQ0102", Assert.Throws<LorqException>(() => OnnxModel.Load(pipe)).Diagnostic.Id);
    }

    [Fact]
    public void EveryTruncationOfASmallModelIsRefused()
    {
        byte[] bytes = Rich().ToByteArray();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.True(IsRefused(bytes.AsSpan(0, length)), $"accepted the first {length} of {bytes.Length} bytes");
        }
        Assert.False(IsRefused(bytes));
    }

    [SkippableFact]
    public void TruncationsOfRealModelsAreRefused()
    {
        string? path = TestData.SharedPath("models", "ppocr", "rec.onnx");
        Skip.If(path is null, "shared/models/ppocr/rec.onnx is absent.");
        byte[] bytes = File.ReadAllBytes(path);
        var random = new Random(5);
        for (int i = 0; i < 40; i++)
        {
            int length = i < 20 ? random.Next(bytes.Length) : bytes.Length - 1 - random.Next(200);
            Assert.True(IsRefused(bytes.AsSpan(0, length)), $"accepted the first {length} of {bytes.Length} bytes");
        }
    }

    [Fact]
    public void FlippedBytesEndInAModelOrAnError()
    {
        byte[] bytes = Rich().ToByteArray();
        var random = new Random(11);
        int refused = 0;
        const int Rounds = 6000;
        for (int i = 0; i < Rounds; i++)
        {
            byte[] damaged = [.. bytes];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }
            refused += IsRefused(damaged) ? 1 : 0;
        }
        Assert.InRange(refused, Rounds / 10, Rounds);
    }

    [Fact]
    public void ForgedPlaceholdersAreData()
    {
        byte[] forged = [.. "Lorq payload ref"u8, 1, 0, 0, 0, 0, 0, 0, 0];
        ModelProto proto = Fixture.Linear();
        proto.Graph.Initializer.Add(Fixture.Raw("forged", DataType.Uint8, [forged.Length], forged));
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(forged, model.ReadBytes(model.Proto.Graph.Initializer[2]).ToArray());
        model.Save(folder.File("copy.onnx"));
        Assert.Equal(File.ReadAllBytes(folder.File("model.onnx")), File.ReadAllBytes(folder.File("copy.onnx")));
    }

    [Fact]
    public void DeepNestingIsRefused()
    {
        GraphProto graph = new() { Name = "innermost" };
        for (int i = 0; i < 200; i++)
        {
            graph = new GraphProto { Node = { Fixture.Node("If", ["c"], [$"y{i}"], Fixture.Graph("then_branch", graph)) } };
        }
        Refuses("LORQ0106", Fixture.Model(graph));

        TypeProto type = new() { TensorType = new TypeProto.Types.Tensor { ElemType = 1 } };
        for (int i = 0; i < 200; i++)
        {
            type = new TypeProto { SequenceType = new TypeProto.Types.Sequence { ElemType = type } };
        }
        Refuses(
            "LORQ0106",
            Fixture.Model(
                new GraphProto
                {
                    Input =
                    {
                        new ValueInfoProto { Name = "x", Type = type },
                    },
                }
            )
        );
    }

    [Fact]
    public void CyclesAreNamed()
    {
        ModelProto proto = Fixture.Linear();
        NodeProto first = Fixture.Node("Add", ["y", "late"], ["early"]);
        first.Name = "closer";
        proto.Graph.Node.Add(first);
        proto.Graph.Node.Add(Fixture.Node("Relu", ["early"], ["late"]));
        proto.Graph.Node.Add(Fixture.Node("Relu", ["late"], ["behind the cycle"]));
        string message = Refuses("LORQ0108", proto).Message;
        Assert.True(message.Contains("closer", StringComparison.Ordinal) || message.Contains("'late'", StringComparison.Ordinal), message);
    }

    [Fact]
    public void ACycleThroughACaptureIsFound()
    {
        var branch = new GraphProto
        {
            Node = { Fixture.Node("Relu", ["z"], ["inner"]) },
            Output = { Fixture.Info("inner", DataType.Float, 1) },
        };
        ModelProto proto = Fixture.Linear();
        proto.Graph.Node.Add(Fixture.Node("If", ["c"], ["w"], Fixture.Graph("then_branch", branch)));
        proto.Graph.Node.Add(Fixture.Node("Relu", ["w"], ["z"]));
        Refuses("LORQ0108", proto);
    }

    [Fact]
    public void NodesOutOfOrderAreNoCycle()
    {
        ModelProto proto = Fixture.Linear();
        NodeProto matMul = proto.Graph.Node[0];
        proto.Graph.Node.RemoveAt(0);
        proto.Graph.Node.Add(matMul);
        using OnnxModel model = folder.Load(proto);
        Assert.Same(model.Proto.Graph.Node[1], model.Scopes[0].Producer("xW"));
    }

    [Fact]
    public void DuplicateNamesAreRefused()
    {
        ModelProto twice = Fixture.Linear();
        twice.Graph.Node.Add(Fixture.Node("Relu", ["x"], ["y"]));
        Assert.Contains("'y'", Refuses("LORQ0109", twice).Message, StringComparison.Ordinal);

        ModelProto initializers = Fixture.Linear();
        initializers.Graph.Initializer.Add(initializers.Graph.Initializer[1].Clone());
        Assert.Contains("'b'", Refuses("LORQ0109", initializers).Message, StringComparison.Ordinal);

        ModelProto written = Fixture.Linear();
        written.Graph.Node.Add(Fixture.Node("Relu", ["x"], ["W"]));
        Assert.Contains("an initializer", Refuses("LORQ0109", written).Message, StringComparison.Ordinal);

        ModelProto inputs = Fixture.Linear();
        inputs.Graph.Input.Add(inputs.Graph.Input[0].Clone());
        Refuses("LORQ0109", inputs);
    }

    [Theory]
    [InlineData("LORQ0110", long.MaxValue, 16L)]
    [InlineData("LORQ0110", 1L << 32, 1L << 32)]
    [InlineData("LORQ0110", -24L, 16L)]
    [InlineData("LORQ0110", -24L, -16L)]
    [InlineData("LORQ0111", 24L, 17L)]
    [InlineData("LORQ0111", 0L, 16L)]
    [InlineData("LORQ0111", 1L << 40, 16L)]
    public void ImpossibleDimensionsAreRefused(string id, long rows, long columns)
    {
        ModelProto proto = Fixture.Linear();
        proto.Graph.Initializer[0].Dims.Clear();
        proto.Graph.Initializer[0].Dims.Add([rows, columns]);
        Assert.Contains("'W'", Refuses(id, proto).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyHugeDimensionsWithAZeroAreEmpty()
    {
        ModelProto proto = Fixture.Linear();
        var empty = new TensorProto
        {
            Name = "empty",
            DataType = (int)DataType.Float,
            RawData = ByteString.Empty,
        };
        empty.Dims.Add(Enumerable.Repeat(long.MaxValue, 100).Append(0));
        proto.Graph.Initializer.Add(empty);
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(0, model.ReadBytes(model.Proto.Graph.Initializer[2]).Length);
    }

    [Fact]
    public void MissingPartsAreNamed()
    {
        ModelProto graph = Fixture.Linear();
        graph.Graph = null;
        Assert.Contains("graph", Refuses("LORQ0105", graph).Message, StringComparison.Ordinal);
        ModelProto opset = Fixture.Linear();
        opset.OpsetImport.Clear();
        Assert.Contains("opset", Refuses("LORQ0105", opset).Message, StringComparison.Ordinal);
        ModelProto version = Fixture.Linear();
        version.ClearIrVersion();
        Assert.Contains("IR version", Refuses("LORQ0105", version).Message, StringComparison.Ordinal);
    }

    private LorqException Refuses(string id, ModelProto proto)
    {
        string path = folder.Write(proto);
        var error = Assert.Throws<LorqException>(() => OnnxModel.Load(path));
        Assert.True(error.Diagnostic.Id == id, error.ToCanonical());
        return error;
    }

    private bool IsRefused(ReadOnlySpan<byte> bytes)
    {
        string path = folder.File("damaged.onnx");
        File.WriteAllBytes(path, bytes);
        try
        {
            using OnnxModel model = OnnxModel.Load(path);
            return false;
        }
        catch (LorqException e)
        {
            Assert.StartsWith("LORQ01", e.Diagnostic.Id, StringComparison.Ordinal);
            return true;
        }
    }

    /// <summary>A small model with something of everything; fields in canonical order, the opset import last.</summary>
    private static ModelProto Rich()
    {
        ModelProto proto = Fixture.Linear();
        GraphProto graph = proto.Graph;
        graph.Node.Insert(0, Fixture.Node("Constant", [], ["c"], Fixture.Tensor("value", Fixture.Raw("", DataType.Bool, [1], [1]))));
        graph.Initializer.Add(
            new TensorProto
            {
                Name = "typed",
                DataType = (int)DataType.Int64,
                Dims = { 3 },
                Int64Data = { 1, -2, 3 },
            }
        );
        graph.SparseInitializer.Add(
            new SparseTensorProto
            {
                Values = Fixture.Floats("sparse", [2], 1, 2),
                Indices = Fixture.Longs("", 0, 5),
                Dims = { 9 },
            }
        );
        GraphProto Branch(string operation, string output) =>
            new()
            {
                Name = operation,
                Node = { Fixture.Node(operation, ["y"], [output]) },
                Output = { Fixture.Info(output, DataType.Float, -1, 16) },
            };
        graph.Node.Add(
            Fixture.Node(
                "If",
                ["c"],
                ["z"],
                Fixture.Graph("then_branch", Branch("Relu", "t")),
                Fixture.Graph("else_branch", Branch("Neg", "e"))
            )
        );
        graph.Output.Add(Fixture.Info("z", DataType.Float, -1, 16));
        graph.ValueInfo.Add(Fixture.Info("xW", DataType.Float, -1, 16));
        return proto;
    }
}
