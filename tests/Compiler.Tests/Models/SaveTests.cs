using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Saving is exact, atomic and leaves nothing behind; clones are independent.</summary>
public sealed class SaveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AnUntouchedModelIsRewrittenByteForByte()
    {
        ModelProto proto = Fixture.Linear();
        proto.DocString = "what it is";
        proto.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "someone" });
        proto.Graph.Node[0].DocString = "a node";
        proto.TrainingInfo.Add(
            new TrainingInfoProto
            {
                Initialization = new GraphProto { Name = "t", Initializer = { Fixture.Floats("T", [400], Fixture.Values(400)) } },
            }
        );
        proto.Functions.Add(
            new FunctionProto
            {
                Name = "F",
                Domain = "local",
                Node = { Fixture.Node("Constant", [], ["k"], Fixture.Tensor("value", Fixture.Floats("", [500], Fixture.Values(500)))) },
            }
        );
        string path = folder.Write(proto);
        using OnnxModel model = OnnxModel.Load(path);
        Assert.Equal(new FileInfo(path).Length, model.MeasureBytes());
        model.Save(folder.File("copy.onnx"));
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(folder.File("copy.onnx")));
    }

    [Fact]
    public void UnknownFieldsSurvive()
    {
        ModelProto proto = Fixture.Linear();
        byte[] plain = proto.ToByteArray();
        byte[] weight = proto.Graph.Initializer[0].ToByteArray();
        // Fields of a later IR version, one of each wire type, in the model and in a tensor beside its payload.
        byte[] unknown = [0xC0, 0x3E, 0x96, 0x01, 0xC9, 0x3E, 1, 2, 3, 4, 5, 6, 7, 8, 0xD2, 0x3E, 2, 9, 9, 0xE5, 0x3E, 1, 2, 3, 4];
        proto.Graph.Initializer[0] = TensorProto.Parser.ParseFrom([.. weight, .. unknown]);
        byte[] bytes = [.. proto.ToByteArray(), .. unknown];
        Assert.Equal(plain.Length + 2 * unknown.Length, bytes.Length);
        File.WriteAllBytes(folder.File("model.onnx"), bytes);
        using OnnxModel model = OnnxModel.Load(folder.File("model.onnx"));
        model.Save(folder.File("copy.onnx"));
        Assert.Equal(bytes, File.ReadAllBytes(folder.File("copy.onnx")));
    }

    /// <summary>Texts that are not UTF-8 (some exporters wrote the system's code page) must not be changed silently.</summary>
    [Fact]
    public void TextThatIsNotUtf8IsRefused()
    {
        ModelProto proto = Fixture.Linear();
        proto.DocString = "doc ~~";
        byte[] bytes = proto.ToByteArray();
        int at = bytes.AsSpan().IndexOf("~~"u8);
        bytes[at] = 0xE9;
        File.WriteAllBytes(folder.File("model.onnx"), bytes);
        var error = Assert.Throws<LorqException>(() => OnnxModel.Load(folder.File("model.onnx")));
        Assert.Equal("LORQ0122", error.Diagnostic.Id);
    }

    [Fact]
    public void LoadingDoesNotReadPayloadsIntoMemory()
    {
        ModelProto proto = Fixture.Linear(2048, 1024);
        string path = folder.Write(proto);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using OnnxModel model = OnnxModel.Load(path);
        model.Save(folder.File("copy.onnx"));
        model.ReadBytes(model.Proto.Graph.Initializer[0]);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 1, 1 << 20);
        Assert.True(model.FileBytes > 8 << 20);
    }

    [Fact]
    public void AttachedPayloadsAreWritten()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        TensorProto small = model.Proto.Graph.Initializer[1];
        TensorProto large = model.Proto.Graph.Initializer[0];
        byte[] smallBytes = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        byte[] largeBytes = [.. Enumerable.Range(0, 1536).Select(i => (byte)(i * 7))];
        model.Attach(small, smallBytes);
        model.Attach(large, largeBytes);
        Assert.Equal(largeBytes, model.ReadBytes(large).ToArray());
        string copy = folder.File("copy.onnx");
        Assert.Equal(model.MeasureBytes(), model.Save(copy));
        ModelProto saved = ModelProto.Parser.ParseFrom(File.ReadAllBytes(copy));
        Assert.Equal(largeBytes, saved.Graph.Initializer[0].RawData.ToByteArray());
        Assert.Equal(smallBytes, saved.Graph.Initializer[1].RawData.ToByteArray());
    }

    [Fact]
    public void AttachReplacesWhateverWasThere()
    {
        ModelProto proto = Fixture.Linear();
        proto.Graph.Initializer.Add(
            new TensorProto
            {
                Name = "t",
                DataType = (int)DataType.Float,
                Dims = { 2 },
                FloatData = { 1, 2 },
            }
        );
        using OnnxModel model = folder.Load(proto);
        TensorProto tensor = model.Proto.Graph.Initializer[2];
        model.Attach(tensor, new byte[8]);
        Assert.Equal([0f, 0f], model.ReadFloats(tensor));
        Assert.Empty(tensor.FloatData);
    }

    [Fact]
    public void ClonesAreIndependentAndOutliveTheirOriginal()
    {
        OnnxModel original = folder.Load(Fixture.Linear());
        using OnnxModel clone = original.Clone();
        clone.Proto.Graph.Node.RemoveAt(1);
        byte[] attached = [.. Enumerable.Repeat((byte)3, 1536)];
        clone.Attach(clone.Proto.Graph.Initializer[0], attached);
        Assert.Equal(2, original.Proto.Graph.Node.Count);
        Assert.Equal(Fixture.Values(384), original.ReadFloats(original.Proto.Graph.Initializer[0]));
        // A tensor of the original may be put into a clone, but not the other way round.
        clone.Proto.Graph.Initializer.Add(original.Proto.Graph.Initializer[0].Clone());
        Assert.Throws<InvalidOperationException>(() => original.ReadBytes(clone.Proto.Graph.Initializer[0]));
        original.Dispose();
        Assert.Throws<ObjectDisposedException>(() => original.ReadBytes(original.Proto.Graph.Initializer[0]));
        Assert.Equal(attached, clone.ReadBytes(clone.Proto.Graph.Initializer[0]).ToArray());
        Assert.Equal(Fixture.Values(384), clone.ReadFloats(clone.Proto.Graph.Initializer[2]));
    }

    [Fact]
    public void MappedBytesOfADisposedModelAreNotReadable()
    {
        OnnxModel model = folder.Load(Fixture.Linear());
        ReadOnlyMemory<byte> bytes = model.ReadBytes(model.Proto.Graph.Initializer[0]);
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => bytes.Span.Length);
    }

    /// <summary>The disk fills up after any number of bytes of either file: the earlier output stays, nothing else does.</summary>
    [Theory]
    [InlineData(ExternalDataMode.Inline)]
    [InlineData(ExternalDataMode.External)]
    public void AFullDiskLeavesTheEarlierOutput(ExternalDataMode mode)
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        string target = folder.File("out.onnx");
        File.WriteAllText(target, "earlier");
        File.WriteAllText(target + ".data", "earlier data");
        string[] names = folder.Names();
        for (int room = 0; room < 1500; room += 100)
        {
            int left = room;
            var options = new SaveOptions(mode) { Create = (path, _) => new FullDisk(path, () => left, n => left -= n) };
            var error = Assert.Throws<LorqException>(() => model.Save(target, options));
            Assert.Equal("LORQ0118", error.Diagnostic.Id);
            Assert.Contains(target, error.Message, StringComparison.Ordinal);
            Assert.Equal(names, folder.Names());
            Assert.Equal("earlier", File.ReadAllText(target));
            Assert.Equal("earlier data", File.ReadAllText(target + ".data"));
        }
    }

    [Fact]
    public void WhenTheModelCannotTakeItsPlaceTheEarlierDataReturns()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        string target = folder.File("out.onnx");
        File.WriteAllText(target + ".data", "earlier data");
        // A folder of the name appears while the files are written, so that the last rename fails.
        var options = new SaveOptions(ExternalDataMode.External)
        {
            Create = (path, size) =>
            {
                Directory.CreateDirectory(target);
                return AtomicFile.Open(path, size);
            },
        };
        Assert.Equal("LORQ0117", Assert.Throws<LorqException>(() => model.Save(target, options)).Diagnostic.Id);
        Assert.Equal(["model.onnx", "out.onnx", "out.onnx.data"], folder.Names());
        Assert.Equal("earlier data", File.ReadAllText(target + ".data"));
    }

    [Fact]
    public void CancellationLeavesNothing()
    {
        using OnnxModel model = folder.Load(Fixture.Linear(2048, 1024));
        using var source = new CancellationTokenSource();
        var options = new SaveOptions
        {
            Create = (path, size) =>
            {
                source.Cancel();
                return AtomicFile.Open(path, size);
            },
        };
        Assert.ThrowsAny<OperationCanceledException>(() => model.Save(folder.File("out.onnx"), options, source.Token));
        Assert.Equal(["model.onnx"], folder.Names());
        Assert.ThrowsAny<OperationCanceledException>(() => OnnxModel.Load(model.Path, source.Token));
    }

    [Fact]
    public void PlacesThatCannotBeWrittenAreNamed()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        Assert.Equal("LORQ0117", Assert.Throws<LorqException>(() => model.Save(folder.Path)).Diagnostic.Id);
        string nowhere = Path.Combine(folder.Path, "none", "out.onnx");
        var error = Assert.Throws<LorqException>(() => model.Save(nowhere));
        Assert.Equal("LORQ0117", error.Diagnostic.Id);
        Assert.Contains(nowhere, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SavingTwiceGivesTheSameBytes()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        foreach (ExternalDataMode mode in Enum.GetValues<ExternalDataMode>())
        {
            model.Save(folder.File("a"), new SaveOptions(mode));
            byte[] first = File.ReadAllBytes(folder.File("a"));
            model.Save(folder.File("a"), new SaveOptions(mode));
            Assert.Equal(first, File.ReadAllBytes(folder.File("a")));
        }
    }

    /// <summary>A disk that takes so many bytes and no more.</summary>
    private sealed class FullDisk(string path, Func<int> room, Action<int> take) : FileStream(path, FileMode.CreateNew, FileAccess.Write)
    {
        private const int NoSpace = 28;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            int count = Math.Min(room(), buffer.Length);
            base.Write(buffer[..count]);
            take(count);
            if (count < buffer.Length)
            {
                throw new IOException("No space left on device", NoSpace);
            }
        }
    }
}
